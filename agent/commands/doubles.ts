import { peekClaim } from '../identity/index.ts'
import type { WorkloadReport } from '../protocol/index.ts'
import { isOrderedFirst } from '../scheduler/decisions.ts'

type Held = Pick<WorkloadReport, 'claim' | 'node' | 'replicas'>

/**
 * The replicas that a host gives up because another has them, too: both sides of a partition carried out one order. What
 * the owner ordered first stays. That is read from the owner's own signed words: a member that signed a claim may have
 * made up its age, and has copies of the words of others, so of two claims by one word neither gives way.
 */
export function givesUp(own: Held, other: Held): number[] {
	const theirs = peekClaim(other.claim)
	if (!isOrderedFirst(theirs, peekClaim(own.claim))) return []
	const given = theirs.hosts[other.node.peerId] ?? []
	const stay = other.replicas.filter(({ index, status }) => given.includes(index) && STAYS.has(status))
	const kept = new Set(stay.map(({ index }) => index))
	return own.replicas.map(({ index }) => index).filter((index) => kept.has(index))
}

/** What has not come that far may come to nothing. */
const STAYS: ReadonlySet<string> = new Set(['running', 'stopped'])
