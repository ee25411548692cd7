import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyFromSeed, peerIdOf, publicKeyOfPeer } from '../identity/index.ts'

test('agent/identity computes the peer id that libp2p does, and reads the key back from it', async () => {
	await fc.assert(
		fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (seed) => {
			const key = keyFromSeed(Buffer.from(seed).toString('base64url'))
			const theirs = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed)).toString()
			expect(peerIdOf(key.publicKey)).toBe(theirs)
			expect(publicKeyOfPeer(theirs)).toBe(key.publicKey)
		}),
		{ numRuns: 30 },
	)
})
