import { CLOCK_LEEWAY_S } from '../protocol/index.ts'
import type { RevocationKind, RevocationPayload } from './claims.ts'

interface Entry {
	jwt: string
	/** a version below this is void; Infinity voids all */
	below: number
	expiresAt: number
}

/** The strongest revocation known of each subject. It never weakens, so order and repetition do not matter. */
export class Revocations {
	readonly #entries = new Map<string, Entry>()
	readonly #tokens = new Set<string>()

	/** true when it says something that was not known. */
	add(jwt: string, payload: RevocationPayload): boolean {
		const key = `${payload.kind}:${payload.sub}`
		const below = payload.kind === 'user' ? (payload.min ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY
		const known = this.#entries.get(key)
		if (known !== undefined && (known.below > below || (known.below === below && known.expiresAt >= payload.exp))) {
			return false
		}
		if (known !== undefined) this.#tokens.delete(known.jwt)
		this.#tokens.add(jwt)
		this.#entries.set(key, { jwt, below, expiresAt: payload.exp })
		return known === undefined || known.below < below
	}

	/** Members show each other what they know at every admission: most of it is known, and need not be verified again. */
	has(jwt: string): boolean {
		return this.#tokens.has(jwt)
	}

	/** What says so, to convince the subject itself. */
	tokenOf(kind: RevocationKind, subject: string): string | undefined {
		return this.#entries.get(`${kind}:${subject}`)?.jwt
	}

	voids(kind: RevocationKind, subject: string, version = 0): boolean {
		const entry = this.#entries.get(`${kind}:${subject}`)
		return entry !== undefined && version < entry.below
	}

	/** Newest end first, for a receiver that takes only so many. What voids nothing any more is dropped. */
	tokens(nowMs: number): string[] {
		for (const [key, entry] of this.#entries) {
			if (entry.expiresAt + CLOCK_LEEWAY_S >= nowMs / 1000) continue
			this.#entries.delete(key)
			this.#tokens.delete(entry.jwt)
		}
		return [...this.#entries.values()].sort((a, b) => b.expiresAt - a.expiresAt).map((entry) => entry.jwt)
	}
}
