import { decodeJwt, decodeProtectedHeader, errors, importJWK, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { z } from 'zod'
import { CLOCK_LEEWAY_S, type ErrorCode, LatticeError } from '../protocol/index.ts'
import { type Purpose, TYP } from './claims.ts'
import type { SigningKey } from './keys.ts'

/** Longer than any token of ours; refused before any parsing. */
const MAX_TOKEN_LENGTH = 16_384
const ALGORITHM = 'EdDSA'

/** Public keys that signatures were checked with lately. */
const MAX_VERIFIERS = 512

type ImportedKey = Awaited<ReturnType<typeof importJWK>>

/** An import costs 0.4 to 0.8 of the check or signature that follows. A secret is kept imported no longer than its key is in use. */
const signers = new WeakMap<SigningKey, ImportedKey>()
const verifiers = new Map<string, ImportedKey>()

async function signer(key: SigningKey): Promise<ImportedKey> {
	const known = signers.get(key)
	if (known) return known
	const imported = await importJWK({ kty: 'OKP', crv: 'Ed25519', x: key.publicKey, d: key.seed }, ALGORITHM)
	signers.set(key, imported)
	return imported
}

async function verifier(publicKey: string): Promise<ImportedKey> {
	const known = verifiers.get(publicKey)
	if (known) return known
	const imported = await importJWK({ kty: 'OKP', crv: 'Ed25519', x: publicKey }, ALGORITHM)
	const [oldest] = verifiers.size < MAX_VERIFIERS ? [] : verifiers.keys()
	if (oldest !== undefined) verifiers.delete(oldest)
	verifiers.set(publicKey, imported)
	return imported
}

export function nowSeconds(): number {
	return Math.floor(Date.now() / 1000)
}

export async function signToken(
	key: SigningKey,
	purpose: Purpose,
	payload: JWTPayload,
	kid: string = key.kid,
): Promise<string> {
	const imported = await signer(key)
	return new SignJWT(payload).setProtectedHeader({ alg: ALGORITHM, typ: TYP[purpose], kid }).sign(imported)
}

export interface Refusal {
	/** as a sentence begins: "This access token" */
	what: string
	/** what the person does about it: "log in again" */
	remedy: string
	invalid: ErrorCode
	expired: ErrorCode
}

export function refuse(refusal: Refusal, reason: string, problem: string, cause?: unknown): LatticeError {
	const code = reason === 'expired' ? refusal.expired : refusal.invalid
	return new LatticeError(code, `${refusal.what} ${problem}; ${refusal.remedy}.`, { reason }, { cause })
}

/** What a token says about itself. Nothing of it is proven yet: it only selects the key to check with. */
export function readHeader(jwt: string, refusal: Refusal): { kid: string; typ: string } {
	if (jwt.length > MAX_TOKEN_LENGTH) throw refuse(refusal, 'malformed', 'is too long')
	try {
		const { alg, kid, typ } = decodeProtectedHeader(jwt)
		if (alg !== ALGORITHM) throw refuse(refusal, 'algorithm', `is not signed with ${ALGORITHM}`)
		return { kid: kid ?? '', typ: typ ?? '' }
	} catch (thrown) {
		if (thrown instanceof LatticeError) throw thrown
		throw refuse(refusal, 'malformed', 'is not a token of Lattice', thrown)
	}
}

/** The payload without any proof; for choosing a key and for showing, never for a decision. */
export function peekPayload(jwt: string, refusal: Refusal): JWTPayload {
	try {
		return decodeJwt(jwt)
	} catch (thrown) {
		throw refuse(refusal, 'malformed', 'is not a token of Lattice', thrown)
	}
}

export interface Expectation<T> {
	publicKey: string
	purpose: Purpose
	schema: z.ZodType<T>
	audience: string
	/** absent where the signer is not the lattice (a grant is signed by a user's key) */
	issuer?: string
	/** milliseconds since the epoch: the instant that the token must be valid at */
	now: number
	refusal: Refusal
}

/** Signature, algorithm, purpose, issuer, audience, lifetime, then shape. Any doubt throws the refusal's code. */
export async function verifyToken<T extends { iat: number }>(jwt: string, expected: Expectation<T>): Promise<T> {
	const { refusal, now } = expected
	readHeader(jwt, refusal)
	const payload = await checkJwt(jwt, expected)
	const parsed = expected.schema.safeParse(payload)
	if (!parsed.success) throw refuse(refusal, 'malformed', 'lacks what its kind must say', parsed.error)
	// jose checks exp and nbf; a token from the future would outlive its lifetime by as much.
	if (parsed.data.iat > now / 1000 + CLOCK_LEEWAY_S) {
		throw refuse(refusal, 'not_yet_valid', 'was issued in the future; set the clocks of both machines', payload)
	}
	return parsed.data
}

async function checkJwt<T>(jwt: string, expected: Expectation<T>): Promise<JWTPayload> {
	const { refusal } = expected
	try {
		const { payload } = await jwtVerify(jwt, await verifier(expected.publicKey), {
			algorithms: [ALGORITHM],
			typ: TYP[expected.purpose],
			audience: expected.audience,
			...(expected.issuer === undefined ? {} : { issuer: expected.issuer }),
			clockTolerance: CLOCK_LEEWAY_S,
			currentDate: new Date(expected.now),
		})
		return payload
	} catch (thrown) {
		if (thrown instanceof errors.JWTExpired) throw refuse(refusal, 'expired', 'has expired', thrown)
		if (thrown instanceof errors.JWTClaimValidationFailed) {
			const [reason, problem] = CLAIM_PROBLEMS[thrown.claim] ?? ['malformed', `has a wrong "${thrown.claim}"`]
			throw refuse(refusal, reason, problem, thrown)
		}
		if (thrown instanceof errors.JWSSignatureVerificationFailed) {
			throw refuse(refusal, 'signature', 'is forged or was altered', thrown)
		}
		throw refuse(refusal, 'malformed', 'is not a token of Lattice', thrown)
	}
}

const CLAIM_PROBLEMS: Record<string, [reason: string, problem: string] | undefined> = {
	typ: ['purpose', 'was issued for another purpose'],
	aud: ['audience', 'is meant for someone else'],
	iss: ['issuer', 'belongs to another lattice'],
}
