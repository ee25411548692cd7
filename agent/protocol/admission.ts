import { z } from 'zod'
import { Labels } from './node.ts'

const Jwt = z.string().max(8192)

/** What each side of a fresh connection sends first: who it is, and the issuers it knows. */
export const AdmissionHello = z.object({
	latticeId: z.string(),
	/** membership or device certificate */
	certificate: Jwt,
	/** issuer certificates, signed by the root, that the receiver may not know yet */
	issuers: z.array(Jwt).max(16),
	revocations: z.array(Jwt).max(1024),
})
export type AdmissionHello = z.infer<typeof AdmissionHello>

export const NodeName = z
	.string()
	.regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, 'use 1 to 40 lower-case letters, digits and dashes')

/**
 * The secret of the invite never travels: `proof` is HMAC-SHA256(key = SHA-256(secret), canonical JSON of
 * {latticeId, inviteId, peerId, name, labels, gateway}),
 * so that a member that forwards it to the issuer can neither keep, change nor redirect it.
 */
export const JoinRequest = z.object({
	inviteId: z.string().max(64),
	/** the joiner; equals the authenticated peer unless a member forwards */
	peerId: z.string().max(128),
	name: NodeName,
	labels: Labels,
	gateway: z.boolean(),
	proof: z.string().max(128),
})
export type JoinRequest = z.infer<typeof JoinRequest>

export const Member = z.object({ peerId: z.string(), name: z.string(), addresses: z.array(z.string()) })
export type Member = z.infer<typeof Member>

/** What a joiner needs for life: its certificate, the root to check others against, and where members are. */
export const JoinGranted = z.object({
	latticeId: z.string(),
	rootPublicKey: z.string(),
	issuers: z.array(Jwt),
	certificate: Jwt,
	members: z.array(Member),
})
export type JoinGranted = z.infer<typeof JoinGranted>

/** The pasted line. base64url of JSON; single use, expiring. `addresses` are multiaddrs that end in /p2p/PEERID. */
export const Invite = z.object({
	v: z.literal(1),
	latticeId: z.string(),
	inviteId: z.string(),
	secret: z.string(),
	/** seconds since the epoch */
	expiresAt: z.number(),
	addresses: z.array(z.string()).min(1),
})
export type Invite = z.infer<typeof Invite>

/** A member asks the issuer for a fresh certificate; also after its end, as long as it is not revoked. */
export const RenewRequest = z.object({ certificate: Jwt })
export type RenewRequest = z.infer<typeof RenewRequest>

export const RenewGranted = z.object({ certificate: Jwt, issuers: z.array(Jwt).max(16) })
export type RenewGranted = z.infer<typeof RenewGranted>
