import { LatticeError } from '../protocol/index.ts'

const WINDOW_MS = 60_000
/** Sources remembered at once; beyond it the oldest is forgotten, so that memory is bounded. */
const MAX_SOURCES = 10_000

/** Failed attempts of one source per minute. Only failures count, so that many machines behind one address can join. */
export class Attempts {
	readonly #limit: number
	readonly #failures = new Map<string, number[]>()

	constructor(limit: number) {
		this.#limit = limit
	}

	check(source: string, now: number = performance.now()): void {
		if (this.#recent(source, now).length < this.#limit) return
		throw new LatticeError('RATE_LIMITED', 'Too many failed attempts from this address; wait a minute and try again.', {
			retryAfterSeconds: WINDOW_MS / 1000,
		})
	}

	fail(source: string, now: number = performance.now()): void {
		const failures = [...this.#recent(source, now), now].slice(-this.#limit)
		this.#failures.delete(source)
		this.#failures.set(source, failures)
		const oldest = this.#failures.keys().next()
		if (this.#failures.size > MAX_SOURCES && !oldest.done) this.#failures.delete(oldest.value)
	}

	#recent(source: string, now: number): number[] {
		return (this.#failures.get(source) ?? []).filter((at) => now - at < WINDOW_MS)
	}
}
