import { setTimeout as delay } from 'node:timers/promises'
import type { MembershipClaims } from './identity/index.ts'
import type { Peer } from './mesh/index.ts'
import { LatticeError, type Member } from './protocol/index.ts'
import type { Standing } from './standing.ts'

export interface CurrentOptions {
	signal: AbortSignal
	onWait: (error: LatticeError) => void
}

/** Slower than a member lets one peer ask. */
const RETRY_MS = 10_000

/**
 * What this node's certificate says. One that ended while the node was away is renewed first: any member that is the
 * issuer does that for a node that was not removed. Without the console there is no way in, so it is asked until it is
 * there. Throws what ends the membership for good.
 */
export async function currentClaims(
	peer: Peer,
	standing: Standing,
	{ signal, onWait }: CurrentOptions,
): Promise<MembershipClaims> {
	for (;;) {
		try {
			return await standing.claims(peer.peerId)
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			if (error.code !== 'CERTIFICATE_EXPIRED') throw error
		}
		// Too long ago, then there is nothing to renew.
		await standing.trust.verifyMembership(standing.certificate, { peerId: peer.peerId, evenExpired: true })
		const refusal = await renewedByAny(peer, standing)
		if (refusal === null) continue
		if (signal.aborted) throw refusal
		onWait(refusal)
		await delay(RETRY_MS, null, { signal }).catch(() => null)
	}
}

/** null when one of the members was the issuer and renewed it; else why not. Throws when this node was removed. */
async function renewedByAny(peer: Peer, standing: Standing): Promise<LatticeError | null> {
	let refusal: LatticeError | null = null
	for (const member of standing.members.filter(({ peerId }) => peerId !== peer.peerId)) {
		try {
			await standing.adoptRenewed(await peer.renew(member), peer.peerId)
			return null
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			if (error.code === 'REVOKED') await throwIfProven(error, peer, standing)
			if (error.code !== 'ISSUER_UNAVAILABLE' && error.code !== 'HOST_UNREACHABLE') refusal = error
		}
	}
	return refusal ?? waitingFor(standing.members)
}

/** Any member can say that this node was removed; only an issuer can sign it. */
async function throwIfProven(
	{ facts }: LatticeError,
	{ peerId }: Peer,
	{ trust, certificate }: Standing,
): Promise<void> {
	try {
		await trust.applyRevocation(String(facts.revocation))
	} catch (thrown) {
		if (LatticeError.from(thrown).code !== 'CERTIFICATE_INVALID') throw thrown
	}
	await trust.verifyMembership(certificate, { peerId, evenExpired: true })
}

function waitingFor(members: readonly Member[]): LatticeError {
	const names = members.map(({ name }) => name).join(', ')
	return new LatticeError(
		'ISSUER_UNAVAILABLE',
		`The certificate of this node ended while it was away, and the console, which renews it, is not reachable. Start the console, or let this machine reach it (known members: ${names}).`,
		{ members: members.map(({ peerId }) => peerId) },
	)
}
