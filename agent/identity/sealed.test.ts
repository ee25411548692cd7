import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Keyring, keyIdOf } from './sealed.ts'

test('opens what it sealed, for the same record only', () => {
	const ring = Keyring.create()
	fc.assert(
		fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.string(), (plain, aad, other) => {
			fc.pre(aad !== other && plain.isWellFormed())
			const sealed = ring.seal(plain, aad)
			expect(ring.open(sealed, aad)).toBe(plain)
			expect(() => ring.open(sealed, other)).toThrow(/does not open/)
		}),
	)
})

test('any changed character is noticed', () => {
	const ring = Keyring.create()
	const sealed = ring.seal('the password', 'w_1.password')
	fc.assert(
		fc.property(fc.nat(sealed.length - 1), fc.constantFrom('A', 'B', '.', '~'), (at, character) => {
			const altered = sealed.slice(0, at) + character + sealed.slice(at + 1)
			fc.pre(altered !== sealed)
			// The last character of base64url may carry unused bits: same bytes, not an alteration.
			fc.pre(
				!Buffer.from(altered.split('.')[3] ?? '', 'base64url').equals(
					Buffer.from(sealed.split('.')[3] ?? '', 'base64url'),
				) || at < sealed.lastIndexOf('.'),
			)
			expect(() => ring.open(altered, 'w_1.password')).toThrow()
		}),
	)
})

test('rotation: old texts still open, new ones use the new key, reseal moves over', () => {
	const before = Keyring.create()
	const sealed = before.seal('secret', 'record')
	const after = before.rotate()
	expect(after.open(sealed, 'record')).toBe('secret')
	expect(after.needsReseal(sealed)).toBe(true)
	const moved = after.reseal(sealed, 'record')
	expect(keyIdOf(moved)).toBe(after.active)
	expect(after.open(moved, 'record')).toBe('secret')
	expect(() => before.open(moved, 'record')).toThrow(/is missing/)
	expect(new Keyring(after.export()).open(sealed, 'record')).toBe('secret')
})

test('a ring whose active key is missing or damaged says so', () => {
	expect(() => new Keyring({ active: 'k1', keys: {} })).toThrow(/is missing/)
	expect(() => new Keyring({ active: 'k1', keys: { k1: 'abc' } })).toThrow(/is damaged/)
})
