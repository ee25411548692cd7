export interface RetryOptions {
	firstMs: number
	maxMs: number
}

const DEFAULTS: RetryOptions = { firstMs: 1_000, maxMs: 60_000 }

/** When each thing that failed may be tried again: later after each failure. */
export class Retries {
	readonly #wake: (afterMs: number) => void
	readonly #options: RetryOptions
	readonly #failed = new Map<string, { waitMs: number; at: number }>()

	/** `wake` is asked for another look when the next is due */
	constructor(wake: (afterMs: number) => void, options: RetryOptions = DEFAULTS) {
		this.#wake = wake
		this.#options = options
	}

	isDue(key: string): boolean {
		const failed = this.#failed.get(key)
		const waitMs = failed ? failed.at - performance.now() : 0
		if (waitMs > 0) this.#wake(this.#soonest())
		return waitMs <= 0
	}

	failed(key: string): void {
		const before = this.#failed.get(key)?.waitMs
		const waitMs = before === undefined ? this.#options.firstMs : Math.min(before * 2, this.#options.maxMs)
		this.#failed.set(key, { waitMs, at: performance.now() + waitMs })
		this.#wake(this.#soonest())
	}

	done(key: string): void {
		this.#failed.delete(key)
	}

	clear(): void {
		this.#failed.clear()
	}

	keepOnly(keys: ReadonlySet<string>): void {
		for (const key of this.#failed.keys()) if (!keys.has(key)) this.#failed.delete(key)
	}

	#soonest(): number {
		const next = Math.min(...[...this.#failed.values()].map(({ at }) => at))
		// A timer may be a little early, and then nothing would be due.
		return Math.max(1, Math.ceil(next - performance.now()) + 1)
	}
}
