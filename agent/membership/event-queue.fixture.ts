interface Entry {
	at: number
	order: number
	run: () => void
}

/** Virtual time: runs what is due in order of time, then of entry. A binary heap, since a simulated hour is millions of entries. */
export class EventQueue {
	now = 0
	readonly #heap: Entry[] = []
	#entered = 0

	after(delay: number, run: () => void): void {
		this.#push({ at: this.now + Math.max(0, delay), order: this.#entered++, run })
	}

	runUntil(time: number): void {
		while (this.#heap[0] && this.#heap[0].at <= time) {
			const entry = this.#pop()
			this.now = entry.at
			entry.run()
		}
		this.now = time
	}

	#push(entry: Entry): void {
		const heap = this.#heap
		let i = heap.push(entry) - 1
		while (i > 0) {
			const parent = (i - 1) >> 1
			if (!isBefore(entry, heap[parent] as Entry)) break
			heap[i] = heap[parent] as Entry
			i = parent
		}
		heap[i] = entry
	}

	#pop(): Entry {
		const heap = this.#heap
		const first = heap[0] as Entry
		const last = heap.pop() as Entry
		if (heap.length === 0) return first
		let i = 0
		while (true) {
			let child = 2 * i + 1
			if (child >= heap.length) break
			if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++
			if (!isBefore(heap[child] as Entry, last)) break
			heap[i] = heap[child] as Entry
			i = child
		}
		heap[i] = last
		return first
	}
}

function isBefore(a: Entry, b: Entry): boolean {
	return a.at !== b.at ? a.at < b.at : a.order < b.order
}

/** mulberry32: a failing run can be run again. */
export function seededRandom(seed: number): () => number {
	let state = seed
	return () => {
		state = (state + 0x6d2b79f5) | 0
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
	}
}
