/** Runs work on one key strictly one after the other; different keys do not wait for each other. */
export class KeyedQueue {
	readonly #tails = new Map<string, { tail: Promise<unknown>; waiting: number }>()

	/** How many are at work or wait for this key. */
	waiting(key: string): number {
		return this.#tails.get(key)?.waiting ?? 0
	}

	async run<T>(key: string, work: () => Promise<T>): Promise<T> {
		const entry = this.#tails.get(key) ?? { tail: Promise.resolve(), waiting: 0 }
		const mine = entry.tail.then(work, work)
		entry.tail = mine
		entry.waiting += 1
		this.#tails.set(key, entry)
		try {
			return await mine
		} finally {
			entry.waiting -= 1
			if (entry.waiting === 0) this.#tails.delete(key)
		}
	}
}
