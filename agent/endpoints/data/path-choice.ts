/** Ways to a host, the best first. `ready` only where this node can be dialled. */
export const WAYS = ['direct', 'ready', 'mesh'] as const
export type Way = (typeof WAYS)[number]

/** What is known of a way to one host; times are monotonic milliseconds. */
export interface WayRecord {
	workedAt: number | null
	failedAt: number | null
}
export type WayRecords = Record<Way, WayRecord>

export interface Attempt {
	way: Way
	/** milliseconds after the first; a failure of those before starts it at once */
	afterMs: number
}

/** A way that failed is not waited for again until then; a better one is tried anew in the background. */
export const RETRY_MS = 30_000
/** Before the next way is begun beside one: as RFC 8305 has it, and longer before the mesh, which is the slowest by far. */
const HEAD_START_MS = { direct: 250, ready: 1_500, mesh: 250 }
/** A way that is known to work may be slow under load; when the network breaks, the mesh says so sooner than this. */
const KNOWN_HEAD_START_MS = 4_000

export function unknownWays(): WayRecords {
	const unknown = () => ({ workedAt: null, failedAt: null })
	return { direct: unknown(), ready: unknown(), mesh: unknown() }
}

/**
 * In which order to begin, and when. What worked last comes first, the best of it; then what was never tried; what failed
 * lately is kept as the last resort, so that a host is only unreachable when nothing at all leads to it.
 */
export function attempts(records: WayRecords, available: readonly Way[], now: number): Attempt[] {
	const rank = (way: Way) => {
		if (isKnown(records[way])) return 0
		return now - (records[way].failedAt ?? Number.NEGATIVE_INFINITY) < RETRY_MS ? 2 : 1
	}
	const ordered = WAYS.filter((way) => available.includes(way)).toSorted((a, b) => rank(a) - rank(b))
	let afterMs = 0
	return ordered.map((way) => {
		const attempt = { way, afterMs }
		afterMs += rank(way) === 0 ? KNOWN_HEAD_START_MS : HEAD_START_MS[way]
		return attempt
	})
}

/** It worked when it was used last. */
export function isKnown({ workedAt, failedAt }: WayRecord): boolean {
	return workedAt !== null && workedAt > (failedAt ?? Number.NEGATIVE_INFINITY)
}

/** The better ways that are worth another try while `used` serves. */
export function worthRetrying(records: WayRecords, available: readonly Way[], used: Way, now: number): Way[] {
	const better = WAYS.slice(0, WAYS.indexOf(used)).filter((way) => available.includes(way) && !isKnown(records[way]))
	return better.filter((way) => now - (records[way].failedAt ?? Number.NEGATIVE_INFINITY) >= RETRY_MS)
}
