import { isDeepStrictEqual } from 'node:util'
import { type EnrolOptions, enrol } from './enrol.ts'
import type { AgentHome, Enrolment } from './home.ts'
import { type MembershipClaims, Trust } from './identity/index.ts'
import type { Peer } from './mesh/index.ts'
import { LatticeError, type Member, type RenewGranted } from './protocol/index.ts'

/**
 * This node's standing in its lattice: certificate, trust and known members, kept in the home as they change. Empty
 * until it has enrolled.
 */
export class Standing {
	readonly #home: AgentHome
	#enrolled: { enrolment: Enrolment; trust: Trust } | null = null

	constructor(home: AgentHome) {
		this.#home = home
	}

	async load(): Promise<void> {
		const enrolment = this.#home.enrolment()
		if (enrolment) await this.#adopt(enrolment)
	}

	/** Redeems the invite on the first start; INVITE_INVALID when there is none to redeem. */
	async ensureEnrolled(peer: Peer, options: Omit<EnrolOptions, 'token'> & { token: string | null }): Promise<void> {
		if (this.#enrolled) return
		const { token } = options
		if (!token) {
			throw new LatticeError(
				'INVITE_INVALID',
				'This machine is in no lattice yet. Run `lattice join TOKEN` with an invite.',
			)
		}
		const enrolment = await enrol(peer, { ...options, token })
		this.#home.saveEnrolment(enrolment)
		await this.#adopt(enrolment)
	}

	get trustOrNull(): Trust | null {
		return this.#enrolled?.trust ?? null
	}

	get certificateOrNull(): string | null {
		return this.#enrolled?.enrolment.certificate ?? null
	}

	get trust(): Trust {
		return this.#required().trust
	}

	get certificate(): string {
		return this.#required().enrolment.certificate
	}

	get members(): Member[] {
		return this.#required().enrolment.members
	}

	claims(peerId: string): Promise<MembershipClaims> {
		return this.trust.verifyMembership(this.certificate, { peerId })
	}

	/** Its certificate is checked before it takes the place of the old one. */
	async adoptRenewed({ certificate, issuers }: RenewGranted, peerId: string): Promise<MembershipClaims> {
		for (const issuer of issuers) await this.trust.addIssuer(issuer)
		const claims = await this.trust.verifyMembership(certificate, { peerId })
		this.#save({ certificate })
		return claims
	}

	/** Addresses outlive restarts, so that a lattice comes up again with no console. */
	remember(member: Member): void {
		const others = this.members.filter((known) => known.peerId !== member.peerId)
		const known = this.members.find((each) => each.peerId === member.peerId)
		if (member.addresses.length > 0 && !isDeepStrictEqual(known, member)) this.#save({ members: [...others, member] })
	}

	/** It was removed: nobody dials it any more. */
	forget(peerId: string): void {
		const others = this.members.filter((known) => known.peerId !== peerId)
		if (others.length < this.members.length) this.#save({ members: others })
	}

	#required(): { enrolment: Enrolment; trust: Trust } {
		if (!this.#enrolled) throw new LatticeError('NOT_READY', 'This node has not joined its lattice yet.')
		return this.#enrolled
	}

	async #adopt(enrolment: Enrolment): Promise<void> {
		const trust = new Trust(enrolment)
		for (const issuer of enrolment.issuers) await trust.addIssuer(issuer)
		for (const revocation of enrolment.revocations) await trust.applyRevocation(revocation)
		this.#enrolled = { enrolment, trust }
		trust.onLearned(() => this.#save({ issuers: trust.issuers(), revocations: trust.revocations() }))
	}

	#save(change: Partial<Enrolment>): void {
		const enrolled = this.#required()
		enrolled.enrolment = { ...enrolled.enrolment, ...change }
		this.#home.saveEnrolment(enrolled.enrolment)
	}
}
