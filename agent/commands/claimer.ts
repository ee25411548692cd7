import { hashName, rendezvousWeight } from '../scheduler/rendezvous.ts'

/** Names are reserved one place each: what a claim is ordered by. */
export function claimKey(owner: string, name: string): string {
	return `${owner}/${name}`
}

/**
 * Who reserves a name: the console while it is connected, since its unique index is the truth; else, of the live agents,
 * the first in rendezvous order, so that all who see the same agents ask the same one. null when nobody is there.
 */
export function claimerOf(seen: { console: string | null; agents: readonly string[] }, key: string): string | null {
	if (seen.console !== null) return seen.console
	const order = hashName(key)
	let first: string | null = null
	let best = -1
	for (const peerId of [...seen.agents].sort()) {
		const weight = rendezvousWeight(order, hashName(peerId))
		if (weight > best) {
			best = weight
			first = peerId
		}
	}
	return first
}
