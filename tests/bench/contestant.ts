import type { Box } from './cables.ts'

/** What the bench asks of a membership: of Lattice's and of serf's alike. Times are milliseconds of `now()`. */
export interface Contestant {
	readonly name: string
	/** One node in each box, the first known to the others; resolves when all know all. */
	start(boxes: readonly Box[]): Promise<Contender[]>
}

export interface Contender {
	readonly pid: number
	/** Tells all others something new of this node; the time at which it was said here. */
	change(value: number): Promise<number>
	/** When this node heard that value of that one. */
	heard(of: number, value: number): Promise<number>
	/** When this node judged that one to be gone. */
	lost(of: number): Promise<number>
	/** Others that this node takes for gone now. */
	missing(): Promise<number>
	kill(): void
}

/** The same in every process of this machine. */
export function now(): number {
	return performance.timeOrigin + performance.now()
}

/** What one node reports, as it comes: whoever asks for what was said already has it at once. */
export class Hearings {
	readonly #at = new Map<string, number>()
	readonly #waiting = new Map<string, (at: number) => void>()

	tell(key: string, at: number): void {
		this.#at.set(key, at)
		this.#waiting.get(key)?.(at)
		this.#waiting.delete(key)
	}

	of(key: string, limitMs: number): Promise<number> {
		const at = this.#at.get(key)
		if (at !== undefined) return Promise.resolve(at)
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => reject(new Error(`not heard within ${limitMs} ms: ${key}`)), limitMs)
			this.#waiting.set(key, (when) => {
				clearTimeout(timer)
				resolve(when)
			})
		})
	}
}
