import type { Signed } from '../protocol/index.ts'
import type { Rumour } from './events.ts'

/** Rumours are 250 bytes each; four keep a probe within one TCP segment. */
const PER_MESSAGE = 4
/** Of one rumour, times log10 of the members: enough to reach all with overwhelming probability (SWIM, section 4.1). */
const RETRANSMIT_FACTOR = 4

interface Queued {
	rumour: Rumour
	sent: number
}

/**
 * Rumours ride on probes and answers that are sent anyway, each a bounded number of times. Gossip is quicker; this
 * reaches those that gossip missed. One rumour a subject: a newer one replaces what it makes pointless.
 */
export class RumourQueue {
	readonly #queued = new Map<string, Queued>()

	get size(): number {
		return this.#queued.size
	}

	add(rumour: Rumour): void {
		this.#queued.set(rumour.subject, { rumour, sent: 0 })
	}

	/** The subject answered: a doubt about it is not worth telling any more. */
	dropDoubt(subject: string): void {
		if (this.#queued.get(subject)?.rumour.statement.kind === 'suspect') this.#queued.delete(subject)
	}

	/** The least told first. Undefined when there is nothing to tell, so that an idle probe stays small. */
	take(members: number): Signed[] | undefined {
		if (this.#queued.size === 0) return undefined
		const limit = RETRANSMIT_FACTOR * Math.ceil(Math.log10(members + 1))
		const chosen = [...this.#queued.values()].sort((a, b) => a.sent - b.sent).slice(0, PER_MESSAGE)
		for (const queued of chosen) {
			queued.sent++
			if (queued.sent >= limit) this.#queued.delete(queued.rumour.subject)
		}
		return chosen.map(({ rumour }) => rumour.signed)
	}
}
