import { hashName, rendezvousWeight } from './rendezvous.ts'

/** Who may reserve names, as one peer sees it. */
export interface Claimants {
	/** while it is connected */
	console: string | null
	/** those alive */
	agents: readonly string[]
}

/** Names are reserved one place each: what a claim is ordered by. */
export function claimKey(owner: string, name: string): string {
	return `${owner}/${name}`
}

/**
 * Who reserves a name: the console while it is connected, since its unique index is the truth; else, of the live agents,
 * the first in rendezvous order, so that all who see the same agents ask the same one. null when nobody is there.
 */
export function claimerOf(seen: Claimants, key: string): string | null {
	return seen.console ?? firstOf(seen.agents, key)
}

/** Who is asked for the name when the claimer is gone: it is told of each claim before the claim is used. */
export function witnessOf(seen: Claimants, key: string, claimer: string): string | null {
	return firstOf(
		seen.agents.filter((peerId) => peerId !== claimer),
		key,
	)
}

function firstOf(agents: readonly string[], key: string): string | null {
	const order = hashName(key)
	let first: string | null = null
	let best = -1
	for (const peerId of [...agents].sort()) {
		const weight = rendezvousWeight(order, hashName(peerId))
		if (weight > best) {
			best = weight
			first = peerId
		}
	}
	return first
}
