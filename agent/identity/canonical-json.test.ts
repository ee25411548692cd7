import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalJson } from './canonical-json.ts'

function shuffled(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(shuffled)
	if (typeof value !== 'object' || value === null) return value
	return Object.fromEntries(
		Object.entries(value)
			.reverse()
			.map(([name, member]) => [name, shuffled(member)]),
	)
}

test('the order of keys and a trip over the wire change nothing; it stays the same JSON', () => {
	fc.assert(
		fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
			const text = canonicalJson(value)
			expect(canonicalJson(shuffled(value))).toBe(text)
			expect(canonicalJson(JSON.parse(JSON.stringify(value)))).toBe(text)
			expect(canonicalJson(JSON.parse(text))).toBe(text)
		}),
	)
})

test('keys sort by code unit, numbers are as ECMAScript writes them (RFC 8785)', () => {
	expect(canonicalJson({ b: 1e21, a: [1.0, -0, 'ä'], A: undefined, '€': null })).toBe(
		'{"a":[1,0,"ä"],"b":1e+21,"€":null}',
	)
})

test('what JSON cannot say, and what nests without end, is refused', () => {
	const deep = JSON.parse('['.repeat(5000) + ']'.repeat(5000))
	expect(() => canonicalJson(deep)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
	expect(() => canonicalJson(() => 1)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
})
