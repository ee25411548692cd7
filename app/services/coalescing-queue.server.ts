/** A reader that is this far behind is not reading; it is told to come again and look afresh. */
const MAX_WAITING = 1_000

/**
 * Values on their way to one slow reader. A newer value of the same key replaces one that still waits, so that a
 * progress that rises a thousand times costs one place; the queue never grows past its bound.
 */
export class CoalescingQueue<T> implements AsyncIterable<T> {
	readonly #waiting = new Map<string, T>()
	readonly #signal: AbortSignal
	#wake: (() => void) | null = null
	#overrun = false

	constructor(signal: AbortSignal) {
		this.#signal = signal
		signal.addEventListener('abort', () => this.#wake?.(), { once: true })
	}

	push(key: string, value: T): void {
		if (this.#signal.aborted || this.#overrun) return
		if (!this.#waiting.has(key) && this.#waiting.size >= MAX_WAITING) {
			this.#overrun = true
			this.#waiting.clear()
		} else {
			// Deleted first, so that the newer value goes to the end: what it says happened after the others.
			this.#waiting.delete(key)
			this.#waiting.set(key, value)
		}
		this.#wake?.()
	}

	/** Ends when the signal aborts, or when the reader was too slow: its connection ends and it connects again. */
	async *[Symbol.asyncIterator](): AsyncIterator<T> {
		while (!this.#signal.aborted && !this.#overrun) {
			for (const [key, value] of this.#waiting) {
				this.#waiting.delete(key)
				yield value
				if (this.#signal.aborted) return
			}
			if (this.#waiting.size > 0 || this.#overrun || this.#signal.aborted) continue
			await new Promise<void>((resolve) => {
				this.#wake = resolve
			})
			this.#wake = null
		}
	}
}
