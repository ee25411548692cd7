import { issueMembership, type MembershipClaims, verifyJoinProof } from '../../agent/identity/index.ts'
import {
	type JoinGranted,
	type JoinRequest,
	LatticeError,
	MEMBERSHIP_TTL_S,
	type RenewGranted,
} from '../../agent/protocol/index.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Database } from '../models/database.server.ts'
import { isUniqueViolation } from '../models/database-error.server.ts'
import { findInvite, type InviteRecord, redeemInvite } from '../models/invite.server.ts'
import { findNode, type NodeRecord, saveCertificate, saveNode, takenNodeNames } from '../models/node.server.ts'
import type { AuditTrail } from './audit.server.ts'
import type { LatticeKeys } from './lattice.server.ts'
import type { LiveBus } from './live.server.ts'
import { inviteAad } from './nodes.server.ts'

/** A certificate that is younger than this is given again to a joiner that lost the first answer. */
const REUSE_MS = 86_400_000

/** of the console's own invites: owners and admins see all the same */
const NOBODY = ''

export interface EnrolmentModules {
	database: Database
	lattice: LatticeKeys
	fleet: Pick<Fleet, 'members' | 'track'>
	audit: AuditTrail
	live: Pick<LiveBus, 'publish'>
}

/** Makes machines members of the lattice, and keeps them so: the console is the issuer. */
export class Enrolment {
	readonly #modules: EnrolmentModules

	constructor(modules: EnrolmentModules) {
		this.#modules = modules
	}

	/** Safe to repeat: the same peer gets its certificate again, another peer gets nothing of a spent invite. */
	async join(request: JoinRequest, context: { forwarded: boolean }): Promise<JoinGranted> {
		const { audit } = this.#modules
		const { peerId, inviteId, name } = request
		const facts = { inviteId, name, forwarded: context.forwarded }
		return audit.around({ actor: peerId, via: 'mesh', action: 'node.join', subject: peerId, facts }, async () => {
			const invite = await this.#invite(request)
			const known = await findNode(this.#modules.database, peerId)
			if (known?.revokedAt) throw removed()
			await this.#redeem(invite, request)
			const node = await this.#enrol(request, invite, known)
			this.#tell(invite, 'verified', node)
			return this.#granted(node)
		})
	}

	/** A member's new certificate. Its old one may have ended: what counts is that it still is a member. */
	async renew(claims: MembershipClaims): Promise<RenewGranted> {
		const { database, lattice } = this.#modules
		const node = claims.role === 'agent' ? await findNode(database, claims.peerId) : null
		if (node === null) throw new LatticeError('FORBIDDEN', 'Only nodes of this lattice renew their certificate here.')
		if (node.revokedAt || node.leftAt) throw removed()
		const renewed = await this.#certify(node)
		await saveCertificate(database, renewed)
		return { certificate: renewed.certificate, issuers: lattice.trust.issuers().slice(0, 16) }
	}

	async #invite(request: JoinRequest): Promise<InviteRecord> {
		const { database, lattice } = this.#modules
		const { inviteId, peerId, name, labels, gateway, proof } = request
		const invite = await findInvite(database, inviteId)
		if (invite) this.#tell(invite, 'contacted', request)
		const facts = { latticeId: lattice.latticeId, inviteId, peerId, name, labels, gateway }
		const holds =
			invite !== null && verifyJoinProof(lattice.keyring.open(invite.sealedKey, inviteAad(inviteId)), facts, proof)
		// One answer for both: who guesses learns nothing about which invites exist.
		if (!holds)
			throw new LatticeError('INVITE_INVALID', 'This invite is not valid here; make a new one with `lattice invite`.')
		return invite
	}

	/** Whoever made the invite watches for it; so may all who invite. */
	#tell(
		invite: InviteRecord,
		step: 'contacted' | 'verified',
		{ name, peerId }: { name: string; peerId: string },
	): void {
		const event = { type: 'join', inviteId: invite.id, step, name, peerId } as const
		this.#modules.live.publish(event, invite.createdBy ?? NOBODY)
	}

	async #redeem(invite: InviteRecord, { peerId, name }: JoinRequest): Promise<void> {
		const isOver = invite.expiresAt.getTime() < Date.now()
		const outcome = await redeemInvite(this.#modules.database, { inviteId: invite.id, peerId, name }, isOver)
		if (outcome === 'redeemed') return
		if (outcome === 'expired') {
			const expiredAt = invite.expiresAt.toISOString()
			throw new LatticeError('INVITE_EXPIRED', 'This invite has expired; make a new one with `lattice invite`.', {
				expiredAt,
			})
		}
		throw new LatticeError('INVITE_USED', 'This invite was used by another machine; make a new one for this one.')
	}

	async #enrol(request: JoinRequest, invite: InviteRecord, known: NodeRecord | null): Promise<NodeRecord> {
		const { database, fleet } = this.#modules
		const isRetry = known !== null && !known.leftAt && Date.now() - known.joinedAt.getTime() < REUSE_MS
		if (isRetry) return known
		for (;;) {
			const { peerId, gateway } = request
			const taken = await takenNodeNames(database, request.name, peerId)
			const labels = { ...request.labels, ...invite.labels }
			const certified = await this.#certify({ peerId, name: freeName(request.name, taken), labels, gateway })
			try {
				await saveNode(database, certified)
			} catch (error) {
				// Another machine took the name in the same instant; the next name is tried.
				if (isUniqueViolation(error)) continue
				throw error
			}
			const { name } = certified
			fleet.track({ peerId, name, addresses: [], lastSeenAt: new Date(), status: null, left: false })
			const node = await findNode(database, peerId)
			if (node === null) throw new LatticeError('INTERNAL', 'The node vanished while it joined; try again.')
			return node
		}
	}

	async #certify<T extends Pick<NodeRecord, 'peerId' | 'name' | 'labels' | 'gateway'>>(node: T) {
		const { issuer, latticeId } = this.#modules.lattice
		const { peerId, name, labels, gateway } = node
		const certificate = await issueMembership(issuer, { latticeId, peerId, name, role: 'agent', labels, gateway })
		const certificateExpiresAt = new Date(Date.now() + MEMBERSHIP_TTL_S * 1000)
		return { peerId, name, labels, gateway, certificate, certificateExpiresAt }
	}

	#granted(node: NodeRecord): JoinGranted {
		const { lattice, fleet } = this.#modules
		const { latticeId, rootPublicKey, trust } = lattice
		const members = fleet.members().filter(({ peerId }) => peerId !== node.peerId)
		return { latticeId, rootPublicKey, issuers: trust.issuers(), certificate: node.certificate, members }
	}
}

/** `name`, else `name-2`, `name-3` … within 40 characters. */
function freeName(name: string, taken: ReadonlySet<string>): string {
	for (let number = 1; ; number += 1) {
		const suffix = number === 1 ? '' : `-${number}`
		const candidate = name.slice(0, 40 - suffix.length) + suffix
		if (!taken.has(candidate)) return candidate
	}
}

function removed(): LatticeError {
	return new LatticeError(
		'REVOKED',
		'This machine was removed from the lattice; join again with a new --home and a new invite.',
	)
}
