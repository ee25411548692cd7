import { LatticeError, RENEW_GRACE_S } from '../protocol/index.ts'
import {
	type ClaimClaims,
	ClaimPayload,
	CredentialPayload,
	GrantPayload,
	IssuerPayload,
	MemberPayload,
	type MembershipClaims,
	RevocationPayload,
	type Subject,
	TYP,
} from './claims.ts'
import { splitBearer, verifyGrant } from './grants.ts'
import { keyFromSeed, latticeIdOf, peerIdOf, publicKeyOfPeer, thumbprint } from './keys.ts'
import { warrantOf } from './order-proofs.ts'
import { REFUSALS } from './refusals.ts'
import { Revocations } from './revocations.ts'
import { type Expectation, peekPayload, type Refusal, readHeader, refuse, verifyToken } from './tokens.ts'

export type Learned = { kind: 'issuer' | 'revocation'; jwt: string }

interface Issuer {
	jwt: string
	publicKey: string
	/** seconds since the epoch */
	expiresAt: number
}

/**
 * One per process: the pinned root and all that was learned under it. Every chain ends here:
 * token → issuer's certificate → root. Nothing is trusted because of who delivered it.
 */
export class Trust {
	readonly latticeId: string
	readonly rootPublicKey: string
	readonly #now: () => number
	readonly #issuers = new Map<string, Issuer>()
	readonly #revocations = new Revocations()
	readonly #listeners = new Set<(learned: Learned) => void>()

	constructor(options: { latticeId: string; rootPublicKey: string; now?: () => number }) {
		if (latticeIdOf(options.rootPublicKey) !== options.latticeId) {
			throw new LatticeError(
				'CERTIFICATE_INVALID',
				'This root key does not belong to this lattice; ask for a new invite from someone you trust.',
				{ reason: 'root' },
			)
		}
		this.latticeId = options.latticeId
		this.rootPublicKey = options.rootPublicKey
		this.#now = options.now ?? Date.now
	}

	/** Told of each issuer and revocation that was not known before: to persist it, to pass it on, to cut connections. */
	onLearned(listener: (learned: Learned) => void): () => void {
		this.#listeners.add(listener)
		return () => this.#listeners.delete(listener)
	}

	/** Also one past its end is kept: what it signed while it was valid may still be asked about (claims). */
	async addIssuer(jwt: string): Promise<void> {
		if (this.issuers().includes(jwt)) return
		const issuedAt = Number(peekPayload(jwt, REFUSALS.issuer).iat)
		const payload = await this.#verify(jwt, {
			publicKey: this.rootPublicKey,
			purpose: 'issuer',
			schema: IssuerPayload,
			refusal: REFUSALS.issuer,
			now: Math.min(this.#now(), issuedAt * 1000),
		})
		const publicKey = payload.cnf.jwk.x
		if (payload.sub !== thumbprint(publicKey)) throw refuse(REFUSALS.issuer, 'malformed', 'names another key')
		const known = this.#issuers.get(payload.sub)
		if (known !== undefined && known.expiresAt >= payload.exp) return
		this.#issuers.set(payload.sub, { jwt, publicKey, expiresAt: payload.exp })
		this.#tell({ kind: 'issuer', jwt })
	}

	#renewableAt(jwt: string): number {
		const end = Number(peekPayload(jwt, REFUSALS.member).exp)
		return this.#now() / 1000 <= end + RENEW_GRACE_S ? Math.min(this.#now(), end * 1000) : this.#now()
	}

	/** Certificates of the issuers known, the longest-lived first. */
	issuers(): string[] {
		return [...this.#issuers.values()].sort((a, b) => b.expiresAt - a.expiresAt).map((issuer) => issuer.jwt)
	}

	/** One that has ended voids nothing any more and is passed over. */
	async applyRevocation(jwt: string): Promise<void> {
		if (this.#revocations.has(jwt)) return
		if (Number(peekPayload(jwt, REFUSALS.revocation).exp) < this.#now() / 1000) return
		const payload = await this.#verifyIssued(jwt, 'revocation', RevocationPayload, REFUSALS.revocation)
		if (this.#revocations.add(jwt, payload)) this.#tell({ kind: 'revocation', jwt })
	}

	revocations(): string[] {
		return this.#revocations.tokens(this.#now())
	}

	/**
	 * Whether a peer, or the holder of a credential that was verified earlier, was removed since. Its end is no matter
	 * here: what began in time may go on.
	 */
	isShutOut({ peerId, credential }: { peerId: string; credential: string | null }): boolean {
		if (this.#revocations.voids('node', peerId)) return true
		if (credential === null) return false
		const { sub, ver, cnf } = CredentialPayload.parse(peekPayload(credential, REFUSALS.access))
		return this.#revocations.voids('user', sub, ver) || this.#revocations.voids('device', cnf.jwk.x)
	}

	/**
	 * A peer's certificate, or a device certificate whose key is the peer's own (role `device`).
	 * `evenExpired` is for renewal only: a node that was away past its certificate is still known for RENEW_GRACE_S.
	 */
	async verifyMembership(jwt: string, peer: { peerId: string; evenExpired?: boolean }): Promise<MembershipClaims> {
		const device = readHeader(jwt, REFUSALS.member).typ === TYP.device
		const at = peer.evenExpired ? this.#renewableAt(jwt) : this.#now()
		const claims = device ? await this.#deviceMembership(jwt) : await this.#nodeMembership(jwt, at)
		if (claims.peerId !== peer.peerId) throw refuse(REFUSALS.member, 'peer', 'belongs to another peer')
		return claims
	}

	/** Who holds `jwt~seed`. Delegated credentials are the console's own and never a bearer. */
	async verifyBearer(bearer: string): Promise<Subject> {
		const { jwt, seed } = splitBearer(bearer)
		const { subject, publicKey } = await this.#credential(jwt)
		const isHolder = seed.length === 43 && keyFromSeed(seed).publicKey === publicKey
		if (!isHolder) throw refuse(REFUSALS.access, 'holder', 'does not match its key')
		if (subject.kind === 'delegated') throw refuse(REFUSALS.access, 'purpose', 'was issued for another purpose')
		return subject
	}

	/** The whole chain of a command. The caller journals `jti` until `expiresAt` (seconds) plus CLOCK_LEEWAY_S. */
	async verifyAuthority(order: {
		credential: string
		grant: string
		command: unknown
		audience: string
	}): Promise<{ subject: Subject; jti: string; expiresAt: number }> {
		const { subject, publicKey } = await this.#credential(order.credential)
		const { jti, expiresAt } = await verifyGrant(order.grant, { ...order, publicKey, now: this.#now() })
		return { subject, jti, expiresAt }
	}

	/** Signed by an issuer, or by a member whose certificate was valid when it signed. */
	async verifyClaim(
		jwt: string,
		order: { owner: string; name: string; commandId: string; workloadId: string },
		{ evenRevoked = false } = {},
	): Promise<ClaimClaims> {
		const { kid } = readHeader(jwt, REFUSALS.claim)
		const peeked = ClaimPayload.safeParse(peekPayload(jwt, REFUSALS.claim))
		if (!peeked.success) throw refuse(REFUSALS.claim, 'malformed', 'lacks what its kind must say', peeked.error)
		const at = Math.min(this.#now(), peeked.data.iat * 1000)
		const publicKey = await this.#claimSigner(kid, peeked.data, at, evenRevoked)
		const payload = await this.#verify(jwt, {
			publicKey,
			purpose: 'claim',
			schema: ClaimPayload,
			refusal: REFUSALS.claim,
			now: this.#now(),
		})
		const claim = claimOf(payload)
		const { owner, name, commandId, workloadId } = claim
		const matches =
			owner === order.owner && name === order.name && commandId === order.commandId && workloadId === order.workloadId
		if (!matches) throw refuse(REFUSALS.claim, 'order', 'is for another order')
		return claim
	}

	async #claimSigner(kid: string, claim: ClaimPayload, at: number, evenRevoked: boolean): Promise<string> {
		if (claim.cert === undefined) return this.#issuerKey(kid, at, REFUSALS.claim)
		try {
			const member = await this.#nodeMembership(claim.cert, at, evenRevoked)
			const publicKey = publicKeyOfPeer(member.peerId)
			if (member.peerId === claim.by && kid === claim.by && publicKey !== null) {
				await this.#verifyWarrant(claim, at)
				return publicKey
			}
		} catch (thrown) {
			if (thrown instanceof LatticeError && thrown.facts.reason === 'warrant') throw thrown
			throw refuse(REFUSALS.claim, 'signer', 'was signed by a peer that is not a member', thrown)
		}
		throw refuse(REFUSALS.claim, 'signer', 'was signed by another peer than it names')
	}

	/** A member reserves for those only who asked it to: else any member could give workloads to anybody. */
	async #verifyWarrant(claim: ClaimPayload, at: number): Promise<void> {
		const { cred = '', warrant = '' } = claim
		try {
			const purpose = readHeader(cred, REFUSALS.access).typ === TYP.device ? 'device' : 'access'
			// A login that was ended later was good for what it ordered before.
			const { sub, cnf } = await this.#verifyIssued(cred, purpose, CredentialPayload, REFUSALS.access, at)
			const order = { credential: cred, command: warrantOf(claimOf(claim)), audience: this.latticeId, now: at }
			await verifyGrant(warrant, { ...order, publicKey: cnf.jwk.x })
			if (sub === claim.sub) return
		} catch (thrown) {
			throw refuse(REFUSALS.claim, 'warrant', 'lacks the word of its owner', thrown)
		}
		throw refuse(REFUSALS.claim, 'warrant', 'has the word of another than its owner')
	}

	async #nodeMembership(jwt: string, at: number, evenRevoked = false): Promise<MembershipClaims> {
		const payload = await this.#verifyIssued(jwt, 'member', MemberPayload, REFUSALS.member, at)
		if (!evenRevoked && this.#revocations.voids('node', payload.sub)) {
			const revocation = this.#revocations.tokenOf('node', payload.sub)
			throw revoked('This node was removed from the lattice', 'join', { revocation })
		}
		const { sub: peerId, name, role, labels, gateway, iat: issuedAt, exp: expiresAt } = payload
		return { peerId, name, role, labels, gateway, issuedAt, expiresAt }
	}

	async #deviceMembership(jwt: string): Promise<MembershipClaims> {
		const { subject, payload, publicKey } = await this.#credential(jwt, REFUSALS.member)
		return {
			peerId: peerIdOf(publicKey),
			name: subject.email,
			role: 'device',
			labels: {},
			gateway: false,
			issuedAt: payload.iat,
			expiresAt: payload.exp,
			user: subject,
		}
	}

	async #credential(
		jwt: string,
		refusal: Refusal = REFUSALS.access,
	): Promise<{ subject: Subject; publicKey: string; payload: CredentialPayload }> {
		const purpose = readHeader(jwt, refusal).typ === TYP.device ? 'device' : 'access'
		const payload = await this.#verifyIssued(jwt, purpose, CredentialPayload, refusal)
		const { sub: userId, email, role, ver, act } = payload
		const publicKey = payload.cnf.jwk.x
		if (this.#revocations.voids('user', userId, ver)) throw revoked('This login was ended', 'log in')
		if (purpose === 'access') {
			const subject: Subject = { userId, email, role, kind: 'access' }
			return { subject: act ? { ...subject, kind: 'delegated', actor: act.sub } : subject, publicKey, payload }
		}
		if (this.#revocations.voids('device', publicKey)) throw revoked('This device was removed', 'log in')
		return { subject: { userId, email, role, kind: 'device', deviceKey: publicKey }, publicKey, payload }
	}

	async #verifyIssued<T extends { iat: number }>(
		jwt: string,
		purpose: Expectation<T>['purpose'],
		schema: Expectation<T>['schema'],
		refusal: Refusal,
		at = this.#now(),
	): Promise<T> {
		const { kid, typ } = readHeader(jwt, refusal)
		// A wrong purpose is named as such even when its signer (root, a user's key) is no issuer.
		if (typ !== TYP[purpose]) throw refuse(refusal, 'purpose', 'was issued for another purpose')
		return this.#verify(jwt, { publicKey: this.#issuerKey(kid, at, refusal), purpose, schema, refusal, now: at })
	}

	async #verify<T extends { iat: number }>(
		jwt: string,
		expected: Omit<Expectation<T>, 'audience' | 'issuer'>,
	): Promise<T> {
		return verifyToken(jwt, { ...expected, audience: this.latticeId, issuer: this.latticeId })
	}

	/** Old issuers stay valid until their stated end, so that a rotation breaks nothing. */
	#issuerKey(kid: string, at: number, refusal: Refusal): string {
		const issuer = this.#issuers.get(kid)
		if (issuer === undefined) throw refuse(refusal, 'issuer', 'was signed by a key that this lattice does not know')
		if (issuer.expiresAt < at / 1000) throw refuse(refusal, 'issuer', 'was signed by a key whose time is over')
		return issuer.publicKey
	}

	#tell(learned: Learned): void {
		for (const listener of this.#listeners) listener(learned)
	}
}

function revoked(what: string, remedy: 'join' | 'log in', facts: object = {}): LatticeError {
	const how = remedy === 'join' ? 'join again with a new invite and a new --home' : 'log in again'
	return new LatticeError('REVOKED', `${what}; ${how}.`, { reason: 'revoked', ...facts })
}

/** What a claim says, without any proof: for one whose proof was seen before. */
export function peekClaim(jwt: string): ClaimClaims {
	const parsed = ClaimPayload.safeParse(peekPayload(jwt, REFUSALS.claim))
	if (!parsed.success) throw refuse(REFUSALS.claim, 'malformed', 'lacks what its kind must say', parsed.error)
	return claimOf(parsed.data)
}

function claimOf(payload: ClaimPayload): ClaimClaims {
	const { sub: owner, name, cmd: commandId, wl: workloadId, by } = payload
	const { jti: decision, gen: generation, put: hosts, iat: issuedAt, warrant } = payload
	const said = warrant === undefined ? null : wordOf(warrant)
	const ordered = { orderedAt: said?.iat ?? issuedAt, word: said?.jti ?? null }
	return { owner, name, commandId, workloadId, by, decision, generation, hosts, issuedAt, ...ordered }
}

function wordOf(warrant: string): Pick<GrantPayload, 'iat' | 'jti'> {
	const parsed = GrantPayload.safeParse(peekPayload(warrant, REFUSALS.claim))
	if (!parsed.success) throw refuse(REFUSALS.claim, 'warrant', 'lacks the word of its owner', parsed.error)
	return parsed.data
}
