import type { MembershipClaims, Trust } from '../identity/index.ts'
import { AdmissionHello, LatticeError, PROTOCOL } from '../protocol/index.ts'
import { type Ground, serve } from './door.ts'
import { JsonStream } from './json-stream.ts'
import type { Connection } from './libp2p-types.ts'
import type { PeerOptions } from './peer.ts'
import { answer, ask } from './reply.ts'

/** As many as a hello may carry (protocol/admission.ts). */
const MAX_ISSUERS = 16
const MAX_REVOCATIONS = 1024

/**
 * Both sides show their certificates, and pass on the issuers and revocations they know. The one that dialled speaks
 * first; the other answers with its own hello only after it has verified the first, so a stranger learns nothing.
 * On a live connection either side may do it again: after a renewal, or to spread a revocation.
 */
export class Admission {
	readonly #ground: Ground
	readonly #options: Pick<PeerOptions, 'trust' | 'certificate'> & { timeoutMs: number }

	constructor(ground: Ground, options: Pick<PeerOptions, 'trust' | 'certificate'> & { timeoutMs: number }) {
		this.#ground = ground
		this.#options = options
	}

	async serve(): Promise<void> {
		await serve(this.#ground, PROTOCOL.admission, 'anyone', (stream, { connection }) =>
			answer(stream, AdmissionHello, this.#ground, async (hello) => {
				const { trust, certificate } = this.#enrolment()
				const claims = await this.#verify(trust, hello, connection)
				// Before the answer leaves: the other side may use the connection as soon as it has it.
				this.#ground.connections.admit(connection, claims, hello.certificate)
				return this.#hello(trust, certificate)
			}),
		)
	}

	initiate(connection: Connection): Promise<MembershipClaims> {
		return this.#ground.connections.admitting(connection, () => this.#begin(connection))
	}

	async #begin(connection: Connection): Promise<MembershipClaims> {
		try {
			const { trust, certificate } = this.#enrolment()
			const started = performance.now()
			const stream = await connection.newStream(PROTOCOL.admission, {
				signal: AbortSignal.timeout(this.#options.timeoutMs),
				runOnLimitedConnection: true,
			})
			const ours = this.#hello(trust, certificate)
			const theirs = await ask(new JsonStream(stream), ours, AdmissionHello, this.#options.timeoutMs)
			const rttMs = Math.round(performance.now() - started)
			const claims = await this.#verify(trust, theirs, connection)
			this.#ground.connections.admit(connection, claims, theirs.certificate, rttMs)
			return claims
		} catch (thrown) {
			const error = asAdmissionError(thrown)
			await this.#hearOfOwnRemoval(error)
			this.#ground.log.debug({ peer: connection.remotePeer.toString(), code: error.code, err: thrown }, 'not admitted')
			throw error
		}
	}

	/** The word of the other side proves nothing; what it passes on was signed by the issuer. */
	async #hearOfOwnRemoval({ code, facts }: LatticeError): Promise<void> {
		const trust = this.#options.trust()
		if (code !== 'REVOKED' || typeof facts.revocation !== 'string' || trust === null) return
		await this.#learn(trust, facts.revocation, 'a member that refused this node')
	}

	#enrolment(): { trust: Trust; certificate: string } {
		const trust = this.#options.trust()
		const certificate = this.#options.certificate()
		if (trust === null || certificate === null) {
			throw new LatticeError('NOT_READY', 'This node belongs to no lattice yet; run `lattice join TOKEN` on it first.')
		}
		return { trust, certificate }
	}

	#hello(trust: Trust, certificate: string): AdmissionHello {
		return {
			latticeId: trust.latticeId,
			certificate,
			issuers: trust.issuers().slice(0, MAX_ISSUERS),
			revocations: trust.revocations().slice(0, MAX_REVOCATIONS),
		}
	}

	async #verify(trust: Trust, hello: AdmissionHello, connection: Connection): Promise<MembershipClaims> {
		if (hello.latticeId !== trust.latticeId) {
			const sentence = 'The other node belongs to another lattice; use an invite of the lattice you mean.'
			throw new LatticeError('CERTIFICATE_INVALID', sentence, { reason: 'issuer' })
		}
		const peer = { peerId: connection.remotePeer.toString() }
		for (const issuer of hello.issuers) await trust.addIssuer(issuer)
		await trust.verifyMembership(hello.certificate, peer)
		for (const revocation of hello.revocations) await this.#learn(trust, revocation, peer.peerId)
		// Once more: its own revocation may have been among them.
		return trust.verifyMembership(hello.certificate, peer)
	}

	/** One that does not verify here (its issuer's time is over) is no reason to refuse the member that passes it on. */
	async #learn(trust: Trust, revocation: string, from: string): Promise<void> {
		try {
			await trust.applyRevocation(revocation)
		} catch (thrown) {
			this.#ground.log.warn({ from, reason: LatticeError.from(thrown).message }, 'a revocation was passed over')
		}
	}
}

function asAdmissionError(thrown: unknown): LatticeError {
	if (thrown instanceof LatticeError) return thrown
	const sentence = 'The other node broke off the admission; check that it runs a version of Lattice that fits this one.'
	return new LatticeError('HOST_UNREACHABLE', sentence, {}, { cause: thrown })
}
