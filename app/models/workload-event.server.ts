import { WorkloadEvent } from '../../agent/protocol/index.ts'
import type { Queries } from './database.server.ts'
import { isUniqueViolation } from './database-error.server.ts'
import type { Prisma } from './generated/client.ts'
import { json } from './workload.server.ts'

/** A page shows the newest; years of restarts of one workload would make it slow. */
const TIMELINE_LENGTH = 500

/**
 * Keeps an event once, however often it is delivered. Byte progress of one pull is one row that is rewritten: it keeps
 * the time of its first word, so that durations stay true. False when it was known and is unchanged.
 */
export async function saveEvent(queries: Queries, event: WorkloadEvent): Promise<boolean> {
	const { workloadId, placement, error, progress, at, ...rest } = event
	const key = keyOf(event)
	const changing = { progress: json(progress), message: event.message }
	const whole = {
		...rest,
		workloadId,
		key,
		at: new Date(at),
		placement: json(placement),
		error: json(error),
		...changing,
	}
	try {
		if (event.progress === null) {
			await queries.workloadEvent.create({ data: whole })
			return true
		}
		const where = { workloadId_key: { workloadId, key } }
		await queries.workloadEvent.upsert({ where, create: whole, update: changing })
		return true
	} catch (thrown) {
		if (isUniqueViolation(thrown)) return false
		throw thrown
	}
}

/** Progress is announced and not numbered by its host, so the pull itself is what names it. */
export function keyOf(event: WorkloadEvent): string {
	if (event.progress === null) return `${event.node}:${event.seq}`
	return `pull:${event.node}:${event.commandId ?? ''}:${event.replica ?? ''}:${event.progress.image}`
}

/** Oldest first. */
export async function timelineOf(queries: Queries, workloadId: string): Promise<WorkloadEvent[]> {
	const rows = await queries.workloadEvent.findMany({
		where: { workloadId },
		orderBy: [{ at: 'desc' }, { id: 'desc' }],
		take: TIMELINE_LENGTH,
	})
	return rows.reverse().map(asEvent)
}

function asEvent(row: Prisma.WorkloadEventGetPayload<object>): WorkloadEvent {
	return WorkloadEvent.parse({ ...row, seq: Number(row.seq), at: row.at.toISOString() })
}
