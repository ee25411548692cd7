import type { ClaimClaims } from '../identity/index.ts'
import { CLAIM_PLACES_S, CLOCK_LEEWAY_S, LatticeError, type WireError } from '../protocol/index.ts'

/**
 * A claim brings an order to the hosts that were decided on, and not for long: that makes an entry harmless that sends it
 * late, when others have gone on with the order or with the name.
 */
export function refuseOtherClaim(replicas: readonly number[], claim: ClaimClaims, peerId: string): void {
	const mine = claim.hosts[peerId] ?? []
	if (replicas.some((index) => !mine.includes(index))) throw otherPlacement()
	if (Date.now() / 1000 - claim.issuedAt > CLAIM_PLACES_S + CLOCK_LEEWAY_S) {
		throw new LatticeError('CLAIM_INVALID', 'The claim of this order is too old to place it; order it again.', {
			reason: 'age',
		})
	}
}

export function otherPlacement(): LatticeError {
	return new LatticeError('CLAIM_INVALID', 'The claim of this order is for another placement; order it again.', {
		reason: 'placement',
	})
}

/** The host cannot take it by its own state. It keeps to that for the decision, and another host may be asked. */
export function isRefusal({ code }: Pick<WireError, 'code'>): boolean {
	return code === 'NODE_REFUSED' || code === 'ENGINE_UNAVAILABLE'
}
