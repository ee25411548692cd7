import { createHash } from 'node:crypto'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** What an ACME server is asked for at most; Let's Encrypt allows 300 orders in three hours, and five failures of a name in one. */
export const ORDER_LIMITS = {
	perHour: 30,
	/** one owner with many names leaves room for the others */
	perOwnerHour: 10,
	/** after each failure in a row, the last one again and again */
	backOffMs: [1, 5, 15, 60, 180, 720].map((minutes) => minutes * MINUTE_MS),
	/** a server that gives certificates which are old at once is not asked in a loop */
	againMs: HOUR_MS,
} as const

/** How one name stands. Times are milliseconds since the epoch. */
export interface Standing {
	owner: string
	/** what is there; null: nothing */
	validity: { from: number; to: number } | null
	failures: number
	/** null: never */
	orderedAt: number | null
}

/** When the certificate of a name is to be ordered. */
export function dueAt(name: string, { validity, failures, orderedAt }: Standing): number {
	const renewal = validity === null ? 0 : renewalAt(name, validity)
	if (orderedAt === null) return renewal
	return Math.max(renewal, orderedAt + (failures > 0 ? backOff(failures) : ORDER_LIMITS.againMs))
}

/** A third of its life ahead of its end, however long it lives; earlier by up to a thirtieth, so that not all come at once. */
function renewalAt(name: string, { from, to }: { from: number; to: number }): number {
	const life = to - from
	const spread = createHash('sha256').update(`${name} ${from}`).digest().readUInt32BE() / 2 ** 32
	return from + (life * 2) / 3 - (life / 30) * spread
}

function backOff(failures: number): number {
	const { backOffMs } = ORDER_LIMITS
	return backOffMs[Math.min(failures, backOffMs.length) - 1] ?? 0
}

/** The name to order a certificate for now: those without one first, then who has waited longest; null: none. */
export function nextOrder(wanted: ReadonlyMap<string, Standing>, all: readonly Standing[], now: number): string | null {
	const recent = all.filter(({ orderedAt }) => orderedAt !== null && orderedAt > now - HOUR_MS)
	if (recent.length >= ORDER_LIMITS.perHour) return null
	const ordersOf = (owner: string) => recent.filter((each) => each.owner === owner).length
	const due = [...wanted]
		.map(([name, standing]) => ({ name, standing, at: dueAt(name, standing) }))
		.filter(({ standing, at }) => at <= now && ordersOf(standing.owner) < ORDER_LIMITS.perOwnerHour)
		.sort((a, b) => Number(a.standing.validity !== null) - Number(b.standing.validity !== null) || a.at - b.at)
	return due[0]?.name ?? null
}
