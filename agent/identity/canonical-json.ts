import { createHash } from 'node:crypto'
import { LatticeError } from '../protocol/index.ts'

/** No message of ours nests deeper; a hostile one must not overflow the stack. */
const MAX_DEPTH = 64

/**
 * One text for equal values, whatever the order of their keys: JSON Canonicalization Scheme (RFC 8785).
 * ECMAScript's number and string serialisation is the one that the RFC names; as in JSON, undefined members vanish.
 */
export function canonicalJson(value: unknown, depth = 0): string {
	if (depth > MAX_DEPTH) throw new LatticeError('INVALID_INPUT', `Nest values at most ${MAX_DEPTH} levels deep.`)
	if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null, depth + 1)).join(',')}]`
	if (typeof value === 'object' && value !== null) {
		const members = Object.entries(value)
			.filter(([, member]) => member !== undefined)
			.sort(([a], [b]) => (a < b ? -1 : 1))
			.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member, depth + 1)}`)
		return `{${members.join(',')}}`
	}
	const text = JSON.stringify(value)
	if (text === undefined) throw new LatticeError('INVALID_INPUT', `A ${typeof value} has no JSON form; leave it out.`)
	return text
}

/** base64url(sha256(text)) */
export function digestOf(text: string): string {
	return createHash('sha256').update(text).digest('base64url')
}
