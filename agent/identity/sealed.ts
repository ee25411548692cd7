import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { LatticeError } from '../protocol/index.ts'
import { keyBytes } from './base-encoding.ts'

const VERSION = 'v1'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/

export interface KeyringKeys {
	/** id of the key that seals */
	active: string
	/** base64url of 32 bytes, by id; all of them open */
	keys: Record<string, string>
}

/**
 * Secrets at rest: AES-256-GCM. A sealed text is `v1.keyId.nonce.ciphertext+tag`; `aad` says which record and field it
 * belongs to, so that a sealed value moved to another row does not open.
 */
export class Keyring {
	readonly active: string
	readonly #keys = new Map<string, Uint8Array>()

	constructor(ring: KeyringKeys) {
		for (const [id, text] of Object.entries(ring.keys)) {
			const key = keyBytes(text)
			if (key === null || !KEY_ID.test(id)) {
				throw new LatticeError('INTERNAL', `The sealing key "${id}" is damaged; restore it from your backup.`)
			}
			this.#keys.set(id, key)
		}
		this.active = ring.active
		this.#key(ring.active)
	}

	/** A ring with one new random key. */
	static create(): Keyring {
		return new Keyring(addKey({}))
	}

	/** The same keys and a new active one. What was sealed still opens; `reseal` moves it over. */
	rotate(): Keyring {
		return new Keyring(addKey(this.export().keys))
	}

	/** For the one place that keeps it; the keys are secret. */
	export(): KeyringKeys {
		const keys = [...this.#keys].map(([id, key]) => [id, Buffer.from(key).toString('base64url')])
		return { active: this.active, keys: Object.fromEntries(keys) }
	}

	seal(plain: string, aad: string): string {
		const nonce = randomBytes(NONCE_BYTES)
		const cipher = createCipheriv('aes-256-gcm', this.#key(this.active), nonce)
		cipher.setAAD(boundTo(this.active, aad))
		const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
		return [VERSION, this.active, nonce.toString('base64url'), sealed.toString('base64url')].join('.')
	}

	open(sealed: string, aad: string): string {
		const { keyId, nonce, body } = parse(sealed)
		const key = this.#key(keyId)
		try {
			const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
			decipher.setAAD(boundTo(keyId, aad))
			decipher.setAuthTag(body.subarray(-TAG_BYTES))
			return Buffer.concat([decipher.update(body.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8')
		} catch (cause) {
			throw damaged(cause)
		}
	}

	needsReseal(sealed: string): boolean {
		return keyIdOf(sealed) !== this.active
	}

	/** The same secret under the active key. */
	reseal(sealed: string, aad: string): string {
		return this.needsReseal(sealed) ? this.seal(this.open(sealed, aad), aad) : sealed
	}

	#key(id: string): Uint8Array {
		const key = this.#keys.get(id)
		if (key === undefined) {
			throw new LatticeError('INTERNAL', `The sealing key "${id}" is missing; restore the key file of this machine.`, {
				keyId: id,
			})
		}
		return key
	}
}

export function keyIdOf(sealed: string): string {
	return parse(sealed).keyId
}

function addKey(keys: Record<string, string>): KeyringKeys {
	const active = `k${randomBytes(6).toString('hex')}`
	return { active, keys: { ...keys, [active]: randomBytes(32).toString('base64url') } }
}

function boundTo(keyId: string, aad: string): Buffer {
	return Buffer.from(`${VERSION}.${keyId}.${aad}`)
}

function parse(sealed: string): { keyId: string; nonce: Buffer; body: Buffer } {
	const [version, keyId, nonceText, bodyText, ...rest] = sealed.split('.')
	if (version !== VERSION || !keyId || !nonceText || !bodyText || rest.length > 0) throw damaged()
	const nonce = Buffer.from(nonceText, 'base64url')
	const body = Buffer.from(bodyText, 'base64url')
	if (nonce.length !== NONCE_BYTES || body.length < TAG_BYTES) throw damaged()
	return { keyId, nonce, body }
}

function damaged(cause?: unknown): LatticeError {
	const sentence =
		'A sealed secret does not open: it was altered, or sealed for another record; restore it from a backup.'
	return new LatticeError('INTERNAL', sentence, {}, { cause })
}
