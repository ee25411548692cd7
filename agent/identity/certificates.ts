import { randomUUID } from 'node:crypto'
import {
	ACCESS_TTL_S,
	CLOCK_LEEWAY_S,
	DEVICE_TTL_S,
	type Labels,
	MEMBERSHIP_TTL_S,
	RENEW_GRACE_S,
} from '../protocol/index.ts'
import type { RevocationKind, UserRole } from './claims.ts'
import { joinBearer } from './grants.ts'
import { generateKey, type SigningKey, thumbprint } from './keys.ts'
import { type Chosen, hostsOf } from './order-proofs.ts'
import { nowSeconds, signToken } from './tokens.ts'

export interface TokenUser {
	id: string
	email: string
	role: UserRole
}

interface ForUser {
	latticeId: string
	user: TokenUser
	/** the user's current token version */
	version: number
	ttlSeconds?: number
}

function confirmation(publicKey: string) {
	return { jwk: { kty: 'OKP', crv: 'Ed25519', x: publicKey } }
}

/** The lattice is both issuer and audience of what it says about its own. Nothing outlives a membership. */
function statement(latticeId: string, ttlSeconds: number) {
	const iat = nowSeconds()
	return { iss: latticeId, aud: latticeId, iat, exp: iat + Math.min(ttlSeconds, MEMBERSHIP_TTL_S) }
}

export async function issueIssuerCertificate(
	root: SigningKey,
	about: { latticeId: string; publicKey: string; notAfter: Date },
): Promise<string> {
	return signToken(root, 'issuer', {
		...statement(about.latticeId, 0),
		exp: Math.floor(about.notAfter.getTime() / 1000),
		sub: thumbprint(about.publicKey),
		cnf: confirmation(about.publicKey),
	})
}

export async function issueMembership(
	issuer: SigningKey,
	about: {
		latticeId: string
		peerId: string
		name: string
		role: 'agent' | 'console'
		labels: Labels
		gateway: boolean
		ttlSeconds?: number
	},
): Promise<string> {
	return signToken(issuer, 'member', {
		...statement(about.latticeId, about.ttlSeconds ?? MEMBERSHIP_TTL_S),
		sub: about.peerId,
		name: about.name,
		role: about.role,
		labels: about.labels,
		gateway: about.gateway,
	})
}

export interface AccessToken {
	jwt: string
	seed: string
	/** `jwt~seed`: what a client sends as Bearer */
	bearer: string
	/** seconds since the epoch */
	expiresAt: number
}

/** The cnf key is made here: a client needs no cryptography to hold a token, and no relay ever sees the seed. */
export async function issueAccessToken(issuer: SigningKey, about: ForUser): Promise<AccessToken> {
	const key = generateKey()
	const payload = credential(about, key.publicKey, about.ttlSeconds ?? ACCESS_TTL_S)
	const jwt = await signToken(issuer, 'access', payload)
	return { jwt, seed: key.seed, bearer: joinBearer(jwt, key.seed), expiresAt: payload.exp }
}

/** For the CLI: the key stays on the device; its peer id is the device's on the mesh. */
export async function issueDevice(issuer: SigningKey, about: ForUser & { publicKey: string }): Promise<string> {
	return signToken(issuer, 'device', credential(about, about.publicKey, about.ttlSeconds ?? DEVICE_TTL_S))
}

/** What the console signs orders of its web users with: short-lived, and it names the console as actor (RFC 8693). */
export async function issueDelegated(
	issuer: SigningKey,
	about: ForUser & { actor: string },
): Promise<{ jwt: string; seed: string; expiresAt: number }> {
	const key = generateKey()
	const payload = credential(about, key.publicKey, about.ttlSeconds ?? ACCESS_TTL_S)
	const jwt = await signToken(issuer, 'access', { ...payload, act: { sub: about.actor } })
	return { jwt, seed: key.seed, expiresAt: payload.exp }
}

function credential(about: ForUser, publicKey: string, ttlSeconds: number) {
	return {
		...statement(about.latticeId, ttlSeconds),
		jti: randomUUID(),
		sub: about.user.id,
		email: about.user.email,
		role: about.user.role,
		ver: about.version,
		cnf: confirmation(publicKey),
	}
}

/**
 * Reserves (owner, name) for a command and says who runs it. A member that signs adds its own certificate, and what shows
 * that the owner ordered it; an issuer needs neither.
 */
export async function issueClaim(
	signer: SigningKey,
	about: {
		latticeId: string
		owner: string
		name: string
		commandId: string
		workloadId: string
		by: string
		decision: string
		generation: number
		chosen: Chosen
		steward?: { certificate: string; credential: string; warrant: string }
	},
): Promise<string> {
	const { steward } = about
	const payload = {
		iss: about.latticeId,
		aud: about.latticeId,
		iat: nowSeconds(),
		sub: about.owner,
		name: about.name,
		cmd: about.commandId,
		wl: about.workloadId,
		by: about.by,
		jti: about.decision,
		gen: about.generation,
		put: hostsOf(about.chosen),
		...(steward && { cert: steward.certificate, cred: steward.credential, warrant: steward.warrant }),
	}
	return signToken(signer, 'claim', payload, steward ? about.by : signer.kid)
}

/** Lives as long as what it voids could count: a membership, and the time in which an ended one may be renewed. */
export async function issueRevocation(
	issuer: SigningKey,
	about: { latticeId: string; kind: RevocationKind; subject: string; minVersion?: number },
): Promise<string> {
	const lifetime = statement(about.latticeId, MEMBERSHIP_TTL_S)
	return signToken(issuer, 'revocation', {
		...lifetime,
		exp: lifetime.exp + RENEW_GRACE_S + 2 * CLOCK_LEEWAY_S,
		kind: about.kind,
		sub: about.subject,
		...(about.minVersion === undefined ? {} : { min: about.minVersion }),
	})
}
