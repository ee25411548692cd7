import { createHash, createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { LatticeError } from '../protocol/index.ts'
import { fromBase58, keyBytes, toBase32, toBase58, toBase64Url } from './base-encoding.ts'
import { digestOf } from './canonical-json.ts'

/** An Ed25519 key pair: root, issuer, peer, device, or the cnf key of a token. */
export interface SigningKey {
	/** RFC 7638 thumbprint of the public key */
	kid: string
	/** base64url of the raw 32 bytes */
	publicKey: string
	/** base64url of 32 bytes; the secret */
	seed: string
}

/** PKCS #8 of an Ed25519 seed (RFC 8410) is this prefix and the 32 bytes. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
/** libp2p's PublicKey message {type: Ed25519, data: 32 bytes} inside an identity multihash. */
const PEER_ID_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20)

export function generateKey(): SigningKey {
	return keyFromSeed(randomBytes(32).toString('base64url'))
}

export function keyFromSeed(seed: string): SigningKey {
	const bytes = keyBytes(seed)
	if (bytes === null) throw new LatticeError('INVALID_INPUT', 'A key seed is 32 bytes in base64url; restore the file.')
	const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, bytes]), format: 'der', type: 'pkcs8' })
	const publicKey = createPublicKey(key).export({ format: 'jwk' }).x
	if (publicKey === undefined) throw new LatticeError('INTERNAL', 'This Node.js has no Ed25519; install Node.js 24.')
	return { kid: thumbprint(publicKey), publicKey, seed }
}

/** RFC 7638: the hash of the required members in lexical order. */
export function thumbprint(publicKey: string): string {
	return digestOf(`{"crv":"Ed25519","kty":"OKP","x":"${publicKey}"}`)
}

/** The name of a lattice is the hash of its root key (130 bits of it), so nobody can claim another's. */
export function latticeIdOf(rootPublicKey: string): string {
	const hash = createHash('sha256').update(requireKey(rootPublicKey)).digest()
	return `l_${toBase32(hash).slice(0, 26)}`
}

/** libp2p's peer id of a key, as text (12D3Koo…). Computed here so that issuing and verifying need no libp2p. */
export function peerIdOf(publicKey: string): string {
	return toBase58(Uint8Array.from([...PEER_ID_PREFIX, ...requireKey(publicKey)]))
}

/** An Ed25519 peer id contains its key; null for any other peer id or text. */
export function publicKeyOfPeer(peerId: string): string | null {
	if (peerId.length > 64) return null
	const bytes = fromBase58(peerId)
	if (bytes === null || bytes.length !== PEER_ID_PREFIX.length + 32) return null
	if (!PEER_ID_PREFIX.every((byte, index) => bytes[index] === byte)) return null
	return toBase64Url(bytes.subarray(PEER_ID_PREFIX.length))
}

function requireKey(publicKey: string): Uint8Array {
	const bytes = keyBytes(publicKey)
	if (bytes === null) throw new LatticeError('INVALID_INPUT', 'A public key is 32 bytes in base64url.')
	return bytes
}
