import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { publicKeyOfPeer, type SigningKey } from '../identity/index.ts'
import type { Signed } from '../protocol/index.ts'

/** Keys and verdicts remembered; beyond it the oldest go, so that strangers cannot fill the memory. */
const REMEMBERED = 2048

/** Longer bodies are statuses, of which each comes once or twice. */
const REMEMBERED_BODY = 512

/** What is signed names the purpose and the lattice: no signature of ours means anything elsewhere. */
function signedText(latticeId: string, body: string): Buffer {
	return Buffer.from(`lattice-membership/1\n${latticeId}\n${body}`)
}

export type Sign = (body: string) => Signed

export function signer(key: SigningKey, peerId: string, latticeId: string): Sign {
	const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.publicKey, d: key.seed }
	const privateKey = createPrivateKey({ key: jwk, format: 'jwk' })
	return (body) => {
		const signature = sign(null, signedText(latticeId, body), privateKey).toString('base64url')
		return { by: peerId, body, signature }
	}
}

/**
 * Checks that the peer whose id is `by` said this. The id contains the key. A verification takes 0.1 ms and a rumour
 * comes by several ways, so good signatures are remembered; bad ones are not, they cost their sender its standing.
 */
export class SignatureCheck {
	readonly #latticeId: string
	readonly #keys = new Map<string, KeyObject | null>()
	readonly #good = new Map<string, string>()

	constructor(latticeId: string) {
		this.#latticeId = latticeId
	}

	isGood({ by, body, signature }: Signed): boolean {
		// A signature is unique to (key, text), so it may stand for both once it was good.
		if (this.#good.get(signature) === by + body) return true
		const key = this.#keyOf(by)
		if (key === null) return false
		if (!verify(null, signedText(this.#latticeId, body), key, Buffer.from(signature, 'base64url'))) return false
		if (body.length <= REMEMBERED_BODY) remember(this.#good, signature, by + body)
		return true
	}

	#keyOf(peerId: string): KeyObject | null {
		const known = this.#keys.get(peerId)
		if (known !== undefined) return known
		const x = publicKeyOfPeer(peerId)
		const key = x === null ? null : createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
		remember(this.#keys, peerId, key)
		return key
	}
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
	map.set(key, value)
	const oldest = map.keys().next()
	if (map.size > REMEMBERED && !oldest.done) map.delete(oldest.value)
}
