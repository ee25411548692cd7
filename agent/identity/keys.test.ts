import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromBase58, toBase32, toBase58 } from './base-encoding.ts'
import { generateKey, keyFromSeed, latticeIdOf, peerIdOf, publicKeyOfPeer } from './keys.ts'

test('a peer id gives its key back (that libp2p computes the same one is checked in agent/mesh)', () => {
	const key = keyFromSeed('AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')
	expect(peerIdOf(key.publicKey)).toBe('12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN')
	expect(publicKeyOfPeer(peerIdOf(key.publicKey))).toBe(key.publicKey)
})

test('base58 round-trips any bytes, leading zeros too', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
			expect(fromBase58(toBase58(bytes))).toEqual(Uint8Array.from(bytes))
		}),
	)
})

test('base32 agrees with the vectors of RFC 4648', () => {
	const vectors = { f: 'my', fo: 'mzxq', foo: 'mzxw6', foob: 'mzxw6yq', fooba: 'mzxw6ytb', foobar: 'mzxw6ytboi' }
	for (const [plain, encoded] of Object.entries(vectors)) expect(toBase32(Buffer.from(plain))).toBe(encoded)
})

test('a lattice id names its root key', () => {
	const root = generateKey()
	expect(latticeIdOf(root.publicKey)).toMatch(/^l_[a-z2-7]{26}$/)
	expect(latticeIdOf(generateKey().publicKey)).not.toBe(latticeIdOf(root.publicKey))
})

test('a damaged seed and a foreign peer id are refused', () => {
	expect(() => keyFromSeed('short')).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
	expect(publicKeyOfPeer('QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N')).toBeNull()
	expect(publicKeyOfPeer('not a peer id')).toBeNull()
})
