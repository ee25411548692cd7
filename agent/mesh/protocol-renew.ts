import { LatticeError, LIMITS, PROTOCOL, RenewGranted, RenewRequest } from '../protocol/index.ts'
import { Attempts } from './attempts.ts'
import { type Ground, serve } from './door.ts'
import type { PeerOptions, RenewHandler } from './peer.ts'
import type { Reach } from './reach.ts'
import { answer, ask } from './reply.ts'

/**
 * A member's certificate is renewed by the issuer. One that has ended no longer admits, so the request brings it along:
 * its holder is proven by Noise, and its signature still says who it was.
 */
export class Renew {
	readonly #ground: Ground
	readonly #reach: Reach
	readonly #options: Pick<PeerOptions, 'trust' | 'certificate'> & { timeoutMs: number }
	readonly #attempts = new Attempts(LIMITS.joinAttemptsPerMinute)
	handler: RenewHandler | null = null

	constructor(
		ground: Ground,
		reach: Reach,
		options: Pick<PeerOptions, 'trust' | 'certificate'> & { timeoutMs: number },
	) {
		this.#ground = ground
		this.#reach = reach
		this.#options = options
	}

	async serve(): Promise<void> {
		await serve(this.#ground, PROTOCOL.renew, 'anyone', (stream, { peerId }) =>
			answer(stream, RenewRequest, this.#ground, async (request) => {
				this.#attempts.check(peerId)
				try {
					return await this.#renewed(request, peerId)
				} catch (thrown) {
					this.#attempts.fail(peerId)
					throw thrown
				}
			}),
		)
	}

	async #renewed(request: RenewRequest, peerId: string): Promise<RenewGranted> {
		const trust = this.#options.trust()
		if (this.handler === null || trust === null) throw issuerUnavailable()
		const claims = await trust.verifyMembership(request.certificate, { peerId, evenExpired: true })
		if (claims.role === 'device') {
			throw new LatticeError('FORBIDDEN', 'A device is not renewed over the mesh; run `lattice login` again.')
		}
		return this.handler(request, { claims })
	}

	async request(issuer?: { peerId: string; addresses: string[] }): Promise<RenewGranted> {
		const certificate = this.#options.certificate()
		if (certificate === null) throw new LatticeError('NOT_READY', 'This node has no certificate to renew; join first.')
		const stream = await this.#stream(issuer)
		return ask(stream, { certificate }, RenewGranted, this.#options.timeoutMs)
	}

	async #stream(issuer?: { peerId: string; addresses: string[] }) {
		const console = this.#ground.connections.list().find((peer) => peer.certificate.role === 'console')
		const peerId = issuer?.peerId ?? console?.peerId
		if (peerId === undefined) throw issuerUnavailable()
		const connection = this.#ground.connections.of(peerId)
		if (connection !== null) return this.#reach.openOn(connection, PROTOCOL.renew)
		return this.#reach.openOn(await this.#reach.dial({ peerId, addresses: issuer?.addresses ?? [] }), PROTOCOL.renew)
	}
}

function issuerUnavailable(): LatticeError {
	const sentence = 'No console is reachable to renew the certificate; it is tried again while the certificate lasts.'
	return new LatticeError('ISSUER_UNAVAILABLE', sentence)
}
