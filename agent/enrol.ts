import type { Enrolment } from './home.ts'
import { joinProof, parseInvite } from './identity/index.ts'
import type { Peer } from './mesh/index.ts'
import { type ErrorCode, type Labels, LatticeError } from './protocol/index.ts'

export interface EnrolOptions {
	token: string
	name: string
	labels: Labels
	gateway: boolean
	signal: AbortSignal
	onWait: (error: LatticeError) => void
	now?: () => number
}

const RETRY_MS = 2000
/** Whoever was asked could not answer now; asked again, it may. */
const WORTH_WAITING: ReadonlySet<ErrorCode> = new Set([
	'ISSUER_UNAVAILABLE',
	'DATABASE_UNAVAILABLE',
	'HOST_UNREACHABLE',
	'TIMEOUT',
	'RATE_LIMITED',
	// the member that was asked went away before it answered
	'CANCELLED',
])

/**
 * Redeems an invite by the join protocol. While the issuer or every member is out of reach it tries again until the
 * invite expires; the redemption is bound to this peer's key, so a retry after a crash gets the same certificate.
 */
export async function enrol(peer: Peer, options: EnrolOptions): Promise<Enrolment> {
	const { token, name, labels, gateway } = options
	const invite = parseInvite(token)
	const facts = { latticeId: invite.latticeId, inviteId: invite.inviteId, peerId: peer.peerId, name, labels, gateway }
	const { latticeId: _latticeId, ...request } = facts
	const proof = joinProof(invite.secret, facts)
	for (;;) {
		try {
			const granted = await peer.join(invite.addresses, { ...request, proof })
			if (granted.latticeId !== invite.latticeId) {
				throw new LatticeError(
					'CERTIFICATE_INVALID',
					'The member answered for another lattice than the invite is for; ask for a new invite.',
				)
			}
			const { latticeId, rootPublicKey, issuers, certificate, members } = granted
			return { latticeId, rootPublicKey, issuers, certificate, members, revocations: [] }
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			const expired = (options.now ?? Date.now)() / 1000 > invite.expiresAt
			if (!WORTH_WAITING.has(error.code) || expired || options.signal.aborted) throw error
			options.onWait(error)
			await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
		}
	}
}
