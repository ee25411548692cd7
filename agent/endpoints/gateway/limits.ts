/** What one workload may hold of a gateway, so that it harms no other; one list, the reason beside each. */
export const GATEWAY_LIMITS = {
	/** connections (TCP) or requests under way (HTTP) of one workload: a pool of 200 clients fits many times */
	perWorkload: 2_000,
	/** sockets of the port that all host names share */
	httpConnections: 10_000,
	/** of a request, all headers together; what does not fit is 431 */
	headerBytes: 32 * 1024,
	/** from the first byte of a request to the end of its headers: a slow client holds a socket no longer */
	headersMs: 15_000,
	/** a kept connection without a request; longer than what browsers and balancers keep theirs */
	keepAliveMs: 65_000,
	/** without one byte of the body, or without one byte being read of the answer */
	stalledMs: 120_000,
	/** to open one connection to a replica before the next is tried */
	dialMs: 5_000,
	/** a connection waits this long for a replica that is on its way, or for a gateway that has just started */
	patienceMs: 10_000,
} as const

/** Counts what each workload holds. */
export class Slots {
	readonly #limit: number
	readonly #held = new Map<string, number>()

	constructor(limit: number = GATEWAY_LIMITS.perWorkload) {
		this.#limit = limit
	}

	/** Gives it back once; null when the workload holds all it may. */
	take(workloadId: string): (() => void) | null {
		const held = this.#held.get(workloadId) ?? 0
		if (held >= this.#limit) return null
		this.#held.set(workloadId, held + 1)
		let given = false
		return () => {
			if (given) return
			given = true
			const left = (this.#held.get(workloadId) ?? 1) - 1
			if (left > 0) this.#held.set(workloadId, left)
			else this.#held.delete(workloadId)
		}
	}
}
