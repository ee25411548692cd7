import { CLAIM_FORGOTTEN_S, CLAIM_REFRESH_AFTER_S, LatticeError, type Placement } from '../protocol/index.ts'

/** Who runs an order, as its claimer keeps it. */
export interface Decision {
	id: string
	/** each decision on one order is a newer one */
	generation: number
	placement: Placement
	/** the try of an entry that proposed it */
	attempt: string
	/** others were told it, too: nobody can say any more that nobody sent it */
	shared: boolean
	/** milliseconds since the epoch: when its token was signed */
	signedAt: number
}

export interface Proposal {
	placement: Placement | null
	attempt: string
	after: { decision: string; unreachable: readonly string[] } | null
}

/** `again`: the decision stands; `refresh`: it does, and its token is too old to be used; `next`: what is proposed. */
export type Ruling = 'again' | 'refresh' | 'next'

/**
 * What a claimer answers to who asks for an order. There is one decision at a time, the same for all entries that work
 * on the order; what they do is the same, too. It is replaced only on the word of one who saw it fail, and only when no
 * host of it can take the order later: one that refused keeps to that, and one that was never reached may get it from
 * nobody else if the asker alone was ever told.
 */
export function ruleOn(held: Decision | null, asked: Proposal, now: number): Ruling {
	const { placement, attempt, after } = asked
	const isNext = held === null || after?.decision === held.id
	if (!isNext) return now - held.signedAt > CLAIM_REFRESH_AFTER_S * 1000 ? 'refresh' : 'again'
	if (placement === null) throw new LatticeError('NOT_FOUND', 'Nobody has placed this order.')
	const unreachable = after?.unreachable ?? []
	if (unreachable.length > 0 && (held === null || held.shared || held.attempt !== attempt)) {
		throw new LatticeError(
			'HOST_UNREACHABLE',
			`${unreachable.join(', ')} was chosen for this order and does not answer; it may have it. Give the same order again when it is back.`,
			{ node: unreachable[0], sent: true, chosen: true },
		)
	}
	return 'next'
}

/** Of two decisions on one order, made on both sides of a partition, the one that both sides keep. */
function prevailing<D extends Pick<Decision, 'id' | 'generation' | 'signedAt'>>(one: D, other: D): D {
	if (one.generation !== other.generation) return one.generation > other.generation ? one : other
	if (one.signedAt !== other.signedAt) return one.signedAt < other.signedAt ? one : other
	return one.id <= other.id ? one : other
}

/**
 * What a member holds, against what it is shown as another's on the same order. One of its own was given out and is
 * used; one of the same generation that it is shown is not used yet, so it gives way, however much older it is.
 */
export function stands(held: Decision, shown: Decision): boolean {
	const isOwn = held.attempt !== ''
	return (isOwn && held.generation === shown.generation) || prevailing(held, shown) === held
}

/** No clock takes its token for fresh any more: another order may have the name if no host tells of this one. */
export function isForgotten(held: Pick<Decision, 'signedAt'>, now: number): boolean {
	return now - held.signedAt > CLAIM_FORGOTTEN_S * 1000
}

/** When, and by which word of its owner (null: by the console), an order was given: what a claim proves of it. */
export interface Ordered {
	decision: string
	/** seconds since the epoch */
	orderedAt: number
	word: string | null
}

/** True when one of two decisions on one order was ordered before the other: the same wherever it is asked. */
export function isOrderedFirst(one: Ordered, other: Ordered): boolean {
	if (one.decision === other.decision || (one.word !== null && one.word === other.word)) return false
	if (one.orderedAt !== other.orderedAt) return one.orderedAt < other.orderedAt
	return one.decision < other.decision
}
