import { CLOCK_LEEWAY_S } from '../../agent/protocol/index.ts'
import type { Queries } from './database.server.ts'

const DAY_MS = 86_400_000
/** Deleted workloads stay this long, so that a repeated command id still gets its first outcome. */
const TOMBSTONE_DAYS = 7

/** Removes what is of no more use. Safe to run at any time and by several consoles. */
export async function deleteExpired(queries: Queries, now: Date): Promise<void> {
	const before = (ms: number) => ({ lt: new Date(now.getTime() - ms) })
	await queries.session.deleteMany({ where: { expiresAt: before(0) } })
	await queries.refreshFamily.deleteMany({ where: { expiresAt: before(DAY_MS) } })
	await queries.device.deleteMany({ where: { expiresAt: before(DAY_MS) } })
	await queries.loginFailure.deleteMany({ where: { at: before(DAY_MS) } })
	await queries.invite.deleteMany({ where: { expiresAt: before(30 * DAY_MS) } })
	await queries.seenGrant.deleteMany({ where: { expiresAt: before(CLOCK_LEEWAY_S * 1000) } })
	await queries.lease.deleteMany({ where: { expiresAt: before(DAY_MS) } })
	await queries.workload.deleteMany({ where: { deletedAt: before(TOMBSTONE_DAYS * DAY_MS) } })
}
