import { createHash, randomBytes } from 'node:crypto'

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz'
/** The largest multiple of 36 in a byte: bytes above it would make some characters likelier. */
const FAIR = 252

/** 20 characters of 36: 103 bits, so that ids made by nodes that never met do not collide. */
function randomId(prefix: string): string {
	let text = ''
	while (text.length < 20) {
		for (const byte of randomBytes(32)) {
			if (byte < FAIR && text.length < 20) text += ALPHABET[byte % 36]
		}
	}
	return `${prefix}_${text}`
}

export const newUserId = () => randomId('u')
export const newCommandId = () => randomId('c')

/** A secret for a cookie or a refresh token, and what is kept of it. */
export function newSecret(): { secret: string; hash: string } {
	const secret = randomBytes(32).toString('base64url')
	return { secret, hash: hashOf(secret) }
}

/** 256 random bits need no slow hash: nobody guesses them. */
export function hashOf(secret: string): string {
	return createHash('sha256').update(secret).digest('base64url')
}
