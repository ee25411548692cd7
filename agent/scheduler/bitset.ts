/** A set of row numbers, 32 to a word, so that a constraint over 1,000 nodes is 32 machine operations. */
export class Bitset {
	words = new Uint32Array(0)

	has(row: number): boolean {
		return (((this.words[row >>> 5] ?? 0) >>> (row & 31)) & 1) === 1
	}

	add(row: number): void {
		const word = row >>> 5
		if (word >= this.words.length) {
			const grown = new Uint32Array(Math.max(word + 1, this.words.length * 2))
			grown.set(this.words)
			this.words = grown
		}
		this.words[word] = (this.words[word] ?? 0) | (1 << (row & 31))
	}

	delete(row: number): void {
		const word = row >>> 5
		if (word < this.words.length) this.words[word] = (this.words[word] ?? 0) & ~(1 << (row & 31))
	}

	get empty(): boolean {
		return this.words.every((word) => word === 0)
	}
}

/** Named sets of rows; a name without rows takes no memory. */
export class BitsetMap {
	readonly #sets = new Map<string, Bitset>()

	get(name: string): Bitset | undefined {
		return this.#sets.get(name)
	}

	has(name: string, row: number): boolean {
		return this.#sets.get(name)?.has(row) ?? false
	}

	add(name: string, row: number): void {
		let set = this.#sets.get(name)
		if (!set) {
			set = new Bitset()
			this.#sets.set(name, set)
		}
		set.add(row)
	}

	delete(name: string, row: number): void {
		const set = this.#sets.get(name)
		if (!set) return
		set.delete(row)
		if (set.empty) this.#sets.delete(name)
	}
}
