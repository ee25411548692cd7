import { z } from 'zod'
import { Labels } from '../protocol/index.ts'
import type { Hosts } from './order-proofs.ts'

/**
 * The payload of each token, by purpose. `typ` pins the purpose (RFC 8725, 3.11), so that no token serves as another.
 * Times are seconds since the epoch, as in every JWT.
 */
export const TYP = {
	issuer: 'lattice-issuer+jwt',
	member: 'lattice-member+jwt',
	access: 'lattice-access+jwt',
	device: 'lattice-device+jwt',
	grant: 'lattice-grant+jwt',
	claim: 'lattice-claim+jwt',
	revocation: 'lattice-revocation+jwt',
} as const
export type Purpose = keyof typeof TYP

const PublicKey = z.string().length(43)
const Jwk = z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: PublicKey })
const lifetime = { iat: z.number().int(), exp: z.number().int() }

export const UserRole = z.enum(['owner', 'admin', 'member'])
export type UserRole = z.infer<typeof UserRole>

/** The root says: this key issues for the lattice until `exp`. */
export const IssuerPayload = z.object({ sub: z.string(), cnf: z.object({ jwk: Jwk }), ...lifetime })

export const MemberPayload = z.object({
	/** peer id */
	sub: z.string(),
	name: z.string(),
	role: z.enum(['agent', 'console']),
	labels: Labels,
	gateway: z.boolean(),
	...lifetime,
})

/** Access token, delegated credential (with `act`, RFC 8693) and device certificate: a user, and the key that acts for them. */
export const CredentialPayload = z.object({
	/** user id */
	sub: z.string(),
	email: z.string(),
	role: UserRole,
	/** the user's token version: a password change raises it and ends what came before */
	ver: z.number().int(),
	cnf: z.object({ jwk: Jwk }),
	act: z.object({ sub: z.string() }).optional(),
	...lifetime,
})
export type CredentialPayload = z.infer<typeof CredentialPayload>

/** As a DPoP proof (RFC 9449): this command, with this credential, at this peer, once. */
export const GrantPayload = z.object({
	cmd: z.string(),
	ath: z.string(),
	jti: z.string().min(16).max(64),
	...lifetime,
})
export type GrantPayload = z.infer<typeof GrantPayload>

/** No `exp`: a name stays reserved until it is given back. `cert`, `cred` and `warrant` are there when a member signed. */
export const ClaimPayload = z.object({
	/** owner's user id */
	sub: z.string(),
	name: z.string(),
	cmd: z.string(),
	wl: z.string(),
	by: z.string(),
	/** the decision: the same in each token that says it again */
	jti: z.string(),
	gen: z.number().int().min(1),
	/** who runs which replicas */
	put: z.record(z.string().max(64), z.array(z.number().int().min(0)).max(100)),
	cert: z.string().optional(),
	/** of a member that signed: the owner's credential, and their grant for this order */
	cred: z.string().optional(),
	warrant: z.string().optional(),
	iat: z.number().int(),
})
export type ClaimPayload = z.infer<typeof ClaimPayload>

export const RevocationKind = z.enum(['node', 'user', 'device'])
export type RevocationKind = z.infer<typeof RevocationKind>

export const RevocationPayload = z.object({
	kind: RevocationKind,
	/** peer id, user id, or public key of the device */
	sub: z.string(),
	/** of a user: tokens of a lower version are void; absent: all are */
	min: z.number().int().optional(),
	...lifetime,
})
export type RevocationPayload = z.infer<typeof RevocationPayload>

/** Who an order is for, and what kind of credential said so. */
export interface Subject {
	userId: string
	email: string
	role: UserRole
	kind: 'access' | 'device' | 'delegated'
	/** kind `device`: the device's public key */
	deviceKey?: string
	/** kind `delegated`: the console that acts for the user */
	actor?: string
}

/** What a peer's certificate says of it. A client peer (the CLI) shows a device certificate: role `device`, name = email. */
export interface MembershipClaims {
	peerId: string
	name: string
	role: 'agent' | 'console' | 'device'
	labels: Labels
	gateway: boolean
	/** seconds since the epoch */
	issuedAt: number
	/** seconds since the epoch */
	expiresAt: number
	/** role `device`: whose device it is */
	user?: Subject
}

export interface ClaimClaims {
	owner: string
	name: string
	commandId: string
	workloadId: string
	/** the peer that reserved */
	by: string
	/** id of the decision */
	decision: string
	generation: number
	/** who runs which replicas */
	hosts: Hosts
	/** seconds since the epoch; of two claims on a name the older keeps it */
	issuedAt: number
	/** when the owner gave the order, by what they signed for it; of one that the console signed, `issuedAt` */
	orderedAt: number
	/** id of the owner's word; null: the console signed, which needs none */
	word: string | null
}
