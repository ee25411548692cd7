import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { CLOCK_LEEWAY_S, Invite, type JoinRequest, LatticeError } from '../protocol/index.ts'
import { canonicalJson } from './canonical-json.ts'
import { nowSeconds } from './tokens.ts'

const MAX_TOKEN_LENGTH = 16_384

export interface NewInvite {
	/** the line a person pastes; holds the secret */
	token: string
	inviteId: string
	/** base64url of SHA-256(secret): what the issuer keeps, encrypted, to check the proof with */
	key: string
	/** seconds since the epoch */
	expiresAt: number
}

/** `addresses` are multiaddrs of members that end in /p2p/PEERID: the joiner authenticates whom it dials by them. */
export function newInvite(about: { latticeId: string; addresses: string[]; ttlSeconds: number }): NewInvite {
	const inviteId = randomBytes(12).toString('base64url')
	const secret = randomBytes(32).toString('base64url')
	const expiresAt = nowSeconds() + about.ttlSeconds
	const invite: Invite = { v: 1, latticeId: about.latticeId, inviteId, secret, expiresAt, addresses: about.addresses }
	const token = Buffer.from(JSON.stringify(invite)).toString('base64url')
	return { token, inviteId, key: inviteKey(secret), expiresAt }
}

/** A pasted line may be wrapped or padded by what it was copied from. */
export function parseInvite(token: string, nowMs: number = Date.now()): Invite {
	const invite = decodeInvite(token.replaceAll(/\s/g, ''))
	if (invite.expiresAt + CLOCK_LEEWAY_S < nowMs / 1000) {
		throw new LatticeError('INVITE_EXPIRED', 'This invite has expired; make a new one with `lattice invite`.', {
			expiredAt: new Date(invite.expiresAt * 1000).toISOString(),
		})
	}
	return invite
}

function decodeInvite(token: string): Invite {
	try {
		if (token.length > MAX_TOKEN_LENGTH) throw new RangeError('too long')
		return Invite.parse(JSON.parse(Buffer.from(token, 'base64url').toString('utf8')))
	} catch (cause) {
		const sentence = 'This is not an invite of Lattice; copy the whole line that `lattice invite` printed.'
		throw new LatticeError('INVITE_INVALID', sentence, {}, { cause })
	}
}

export function inviteKey(secret: string): string {
	return createHash('sha256').update(secret).digest('base64url')
}

/** What the joiner asks for, all of it: a member that forwards the request can change nothing. */
export type JoinFacts = Omit<JoinRequest, 'proof'> & { latticeId: string }

/** The secret never travels: HMAC-SHA256 under its hash, over the canonical JSON of the request. */
export function joinProof(secret: string, facts: JoinFacts): string {
	return proofOf(inviteKey(secret), facts)
}

/** In constant time. `key` is the one that `newInvite` gave. */
export function verifyJoinProof(key: string, facts: JoinFacts, proof: string): boolean {
	const expected = Buffer.from(proofOf(key, facts))
	const given = Buffer.from(proof)
	return given.length === expected.length && timingSafeEqual(given, expected)
}

function proofOf(key: string, facts: JoinFacts): string {
	const { latticeId, inviteId, peerId, name, labels, gateway } = facts
	const message = canonicalJson({ latticeId, inviteId, peerId, name, labels, gateway })
	return createHmac('sha256', Buffer.from(key, 'base64url')).update(message).digest('base64url')
}
