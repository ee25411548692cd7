import { SignJWT } from 'jose'
import { expect } from 'vitest'

/** A clock that is off by so much. */
export const shifted = (seconds: number) => () => Date.now() + seconds * 1000
/** A refusal with that code and reason, whose sentence names a remedy. */
export const refused = (code: string, reason: string) =>
	expect.objectContaining({
		code,
		message: expect.stringMatching(/; .+\.$/),
		facts: expect.objectContaining({ reason }),
	})

/** The same token with one claim changed, the signature left as it was. */
export function altered(jwt: string, change: Record<string, unknown>): string {
	const [header, payload, signature] = jwt.split('.')
	const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString())
	return [header, Buffer.from(JSON.stringify({ ...claims, ...change })).toString('base64url'), signature].join('.')
}

export function withoutSignature(jwt: string): string {
	const [header, payload] = jwt.split('.')
	const claims = JSON.parse(Buffer.from(header ?? '', 'base64url').toString())
	return `${Buffer.from(JSON.stringify({ ...claims, alg: 'none' })).toString('base64url')}.${payload}.`
}

/** The attack on RS/ES verifiers: the public key used as an HMAC secret. */
export async function hmacWithPublicKey(jwt: string, publicKey: string): Promise<string> {
	const [header, payload] = jwt
		.split('.')
		.slice(0, 2)
		.map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
	return new SignJWT(payload).setProtectedHeader({ ...header, alg: 'HS256' }).sign(Buffer.from(publicKey, 'base64url'))
}
