/** Sources remembered at once; beyond it the oldest is forgotten, so that memory is bounded. */
const MAX_SOURCES = 4096

interface Bucket {
	tokens: number
	at: number
}

/** A token bucket for each source: `burst` at once, `perSecond` for long. */
export class Quota {
	readonly #perSecond: number
	readonly #burst: number
	readonly #buckets = new Map<string, Bucket>()

	constructor(quota: { perSecond: number; burst: number }) {
		this.#perSecond = quota.perSecond
		this.#burst = quota.burst
	}

	/** False when the source has used up its share. */
	take(source: string, now: number = performance.now()): boolean {
		const bucket = this.#buckets.get(source) ?? this.#remember(source, now)
		bucket.tokens = Math.min(this.#burst, bucket.tokens + ((now - bucket.at) / 1000) * this.#perSecond)
		bucket.at = now
		if (bucket.tokens < 1) return false
		bucket.tokens--
		return true
	}

	#remember(source: string, now: number): Bucket {
		const bucket = { tokens: this.#burst, at: now }
		this.#buckets.set(source, bucket)
		const oldest = this.#buckets.keys().next()
		if (this.#buckets.size > MAX_SOURCES && !oldest.done) this.#buckets.delete(oldest.value)
		return bucket
	}
}
