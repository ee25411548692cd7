const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/** base58btc, as peer ids are written. Quadratic, which is fine for the 38 bytes of a peer id. */
export function toBase58(bytes: Uint8Array): string {
	let value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
	let text = ''
	while (value > 0n) {
		text = BASE58.charAt(Number(value % 58n)) + text
		value /= 58n
	}
	const zeros = bytes.findIndex((byte) => byte !== 0)
	return '1'.repeat(zeros === -1 ? bytes.length : zeros) + text
}

/** null when a character is not of the alphabet. */
export function fromBase58(text: string): Uint8Array | null {
	let value = 0n
	for (const character of text) {
		const digit = BASE58.indexOf(character)
		if (digit === -1) return null
		value = value * 58n + BigInt(digit)
	}
	const bytes: number[] = []
	while (value > 0n) {
		bytes.unshift(Number(value & 255n))
		value >>= 8n
	}
	const zeros = /^1*/.exec(text)?.[0].length ?? 0
	return Uint8Array.from([...new Array<number>(zeros).fill(0), ...bytes])
}

/** RFC 4648 base32, lower case, without padding. */
export function toBase32(bytes: Uint8Array): string {
	let text = ''
	let buffer = 0
	let bits = 0
	for (const byte of bytes) {
		buffer = (buffer << 8) | byte
		bits += 8
		while (bits >= 5) {
			bits -= 5
			text += BASE32.charAt((buffer >> bits) & 31)
		}
		buffer &= 255
	}
	return bits > 0 ? text + BASE32.charAt((buffer << (5 - bits)) & 31) : text
}

export function toBase64Url(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

/** The 32 bytes of a key, or null: Node's decoder skips what it does not know, so the text must round-trip. */
export function keyBytes(text: string): Uint8Array | null {
	const bytes = Buffer.from(text, 'base64url')
	return bytes.length === 32 && bytes.toString('base64url') === text ? bytes : null
}
