import { abortable } from '../../mesh/abortable.ts'

/** So many at once; who comes later waits in line. */
export class Slots {
	#free: number
	readonly #line: (() => void)[] = []

	constructor(count: number) {
		this.#free = count
	}

	/** Runs when there is a slot, which it holds until it ends. */
	async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
		await this.#take(signal)
		try {
			return await work()
		} finally {
			this.#give()
		}
	}

	async #take(signal: AbortSignal): Promise<void> {
		if (this.#free > 0) {
			this.#free -= 1
			return
		}
		const { promise, resolve } = Promise.withResolvers<void>()
		this.#line.push(resolve)
		try {
			await abortable(promise, signal)
		} catch (thrown) {
			const at = this.#line.indexOf(resolve)
			if (at >= 0) this.#line.splice(at, 1)
			// It was given the slot in the same moment.
			else this.#give()
			throw thrown
		}
	}

	#give(): void {
		const next = this.#line.shift()
		if (next) next()
		else this.#free += 1
	}
}
