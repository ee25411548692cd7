import { randomUUID } from 'node:crypto'
import { CLOCK_LEEWAY_S, GRANT_TTL_S, LatticeError } from '../protocol/index.ts'
import { canonicalJson, digestOf } from './canonical-json.ts'
import { GrantPayload } from './claims.ts'
import type { SigningKey } from './keys.ts'
import { nowSeconds, type Refusal, refuse, signToken, verifyToken } from './tokens.ts'

/** `jwt~seed`: neither part contains a tilde. */
export function joinBearer(jwt: string, seed: string): string {
	return `${jwt}~${seed}`
}

export function splitBearer(bearer: string): { jwt: string; seed: string } {
	const [jwt, seed, ...rest] = bearer.split('~')
	if (!jwt || !seed || rest.length > 0) {
		throw new LatticeError('UNAUTHENTICATED', 'This is not a token of Lattice; log in again.', { reason: 'malformed' })
	}
	return { jwt, seed }
}

/**
 * Authority for one command at one peer, shaped as a DPoP proof (RFC 9449): `cmd` binds the command, `ath` the
 * credential, `aud` the executing peer, `jti` and `exp` make it single-use and short.
 * Sign the command as its zod schema gives it: the executing host hashes what it decoded.
 */
export async function signGrant(order: {
	credential: string
	/** the one that the credential names */
	key: SigningKey
	command: unknown
	audience: string
}): Promise<string> {
	const iat = nowSeconds()
	return signToken(order.key, 'grant', {
		cmd: digestOf(canonicalJson(order.command)),
		ath: digestOf(order.credential),
		aud: order.audience,
		jti: randomUUID(),
		iat,
		exp: iat + GRANT_TTL_S,
	})
}

const REFUSAL: Refusal = {
	what: 'The grant of this command',
	remedy: 'send the command again, so that a new grant is signed',
	invalid: 'GRANT_INVALID',
	expired: 'GRANT_EXPIRED',
}

export async function verifyGrant(
	grant: string,
	order: { credential: string; publicKey: string; command: unknown; audience: string; now: number },
): Promise<{ jti: string; expiresAt: number }> {
	const payload = await verifyToken(grant, {
		publicKey: order.publicKey,
		purpose: 'grant',
		schema: GrantPayload,
		audience: order.audience,
		now: order.now,
		refusal: REFUSAL,
	})
	if (payload.ath !== digestOf(order.credential)) throw refuse(REFUSAL, 'credential', 'is for another credential')
	if (payload.cmd !== digestOf(canonicalJson(order.command))) throw refuse(REFUSAL, 'command', 'is for another command')
	// The journal of jti's is bounded by the lifetime of a grant, so a signer may not stretch it.
	if (payload.exp - payload.iat > GRANT_TTL_S + CLOCK_LEEWAY_S) throw refuse(REFUSAL, 'lifetime', 'lives too long')
	return { jti: payload.jti, expiresAt: payload.exp }
}
