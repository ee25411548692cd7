import { SAMPLE_METRICS, type Sample } from '../../agent/protocol/index.ts'
import type { Queries } from './database.server.ts'
import { Prisma } from './generated/client.ts'

/** Seconds that one point stands for, and how long such points stay. */
export const STEPS = {
	minute: { seconds: 60, keptMs: 24 * 3_600_000 },
	quarter: { seconds: 900, keptMs: 30 * 24 * 3_600_000 },
} as const
export type Step = keyof typeof STEPS

const QUARTER_MS = STEPS.quarter.seconds * 1000

export interface MetricPointRow {
	at: Date
	cpu: number | null
	memoryBytes: number | null
	diskBytes: number | null
	rxRate: number | null
	txRate: number | null
	readRate: number | null
	writeRate: number | null
}

export interface MetricLimits {
	cpuLimit: number | null
	memoryLimitBytes: number | null
	diskLimitBytes: number | null
}

/** Keeps a node's minutes, and the quarters of an hour that they fall into. Told twice is told once. */
export async function saveSamples(queries: Queries, node: string, samples: readonly Sample[]): Promise<void> {
	if (samples.length === 0) return
	const newest = new Map(samples.map((sample) => [keyOf(sample), sample]))
	const ids = new Map<string, number>()
	for (const [key, { workloadId, replica, cpuLimit, memoryLimitBytes, diskLimitBytes }] of newest) {
		const name = { node, workloadId: workloadId ?? '', replica: replica ?? -1 }
		const limits = { cpuLimit, memoryLimitBytes, diskLimitBytes }
		const { id } = await queries.metricSeries.upsert({
			where: { node_workloadId_replica: name },
			create: { ...name, ...limits },
			update: limits,
			select: { id: true },
		})
		ids.set(key, id)
	}
	await queries.metricPoint.createMany({
		skipDuplicates: true,
		data: samples.map((sample) => ({
			seriesId: ids.get(keyOf(sample)) ?? 0,
			step: STEPS.minute.seconds,
			at: new Date(sample.at),
			...Object.fromEntries(SAMPLE_METRICS.map((metric) => [metric, sample[metric]])),
		})),
	})
	const first = Math.min(...samples.map(({ at }) => Date.parse(at)))
	await rollUp(queries, [...ids.values()], new Date(Math.floor(first / QUARTER_MS) * QUARTER_MS))
}

/** Every quarter since `from`, anew from its minutes: late ones count, and doing it again changes nothing. */
async function rollUp(queries: Queries, series: number[], from: Date): Promise<void> {
	await queries.$executeRaw`
		INSERT INTO "MetricPoint" ("seriesId", step, at, cpu, "memoryBytes", "diskBytes", "rxRate", "txRate", "readRate", "writeRate")
		SELECT "seriesId", ${STEPS.quarter.seconds}::int, date_bin('15 minutes', at, TIMESTAMP '2000-01-01'), avg(cpu), avg("memoryBytes"),
			avg("diskBytes"), avg("rxRate"), avg("txRate"), avg("readRate"), avg("writeRate")
		FROM "MetricPoint" WHERE "seriesId" = ANY(${series}) AND step = ${STEPS.minute.seconds}::int AND at >= ${utc(from)}::timestamp
		GROUP BY 1, 3
		ON CONFLICT ("seriesId", step, at) DO UPDATE SET cpu = excluded.cpu, "memoryBytes" = excluded."memoryBytes",
			"diskBytes" = excluded."diskBytes", "rxRate" = excluded."rxRate", "txRate" = excluded."txRate",
			"readRate" = excluded."readRate", "writeRate" = excluded."writeRate"`
}

/** When the newest minute of this node began; null when there is none. */
export async function newestMinute(queries: Queries, node: string): Promise<Date | null> {
	const { seconds: step } = STEPS.minute
	const { _max } = await queries.metricPoint.aggregate({ where: { step, series: { node } }, _max: { at: true } })
	return _max.at
}

/** Of a machine, or of all replicas of a workload together (sums), oldest first. */
export async function readPoints(
	queries: Queries,
	subject: { node: string } | { workloadId: string },
	step: Step,
	now: Date,
): Promise<MetricPointRow[]> {
	const { seconds, keptMs } = STEPS[step]
	const since = new Date(now.getTime() - keptMs)
	const of = 'node' in subject ? { node: subject.node, workloadId: '' } : { workloadId: subject.workloadId }
	const where =
		'node' in of
			? Prisma.sql`s.node = ${of.node} AND s."workloadId" = ''`
			: Prisma.sql`s."workloadId" = ${of.workloadId}`
	return queries.$queryRaw<MetricPointRow[]>`
		SELECT p.at, sum(p.cpu) AS cpu, sum(p."memoryBytes") AS "memoryBytes", sum(p."diskBytes") AS "diskBytes",
			sum(p."rxRate") AS "rxRate", sum(p."txRate") AS "txRate", sum(p."readRate") AS "readRate", sum(p."writeRate") AS "writeRate"
		FROM "MetricPoint" p JOIN "MetricSeries" s ON s.id = p."seriesId"
		WHERE ${where} AND p.step = ${seconds}::int AND p.at >= ${utc(since)}::timestamp GROUP BY p.at ORDER BY p.at`
}

/** Drops what is older than its step is kept, and the series of which nothing is left. */
export async function deleteOldPoints(queries: Queries, now: Date): Promise<void> {
	for (const { seconds: step, keptMs } of Object.values(STEPS)) {
		await queries.metricPoint.deleteMany({ where: { step, at: { lt: new Date(now.getTime() - keptMs) } } })
	}
	await queries.metricSeries.deleteMany({ where: { points: { none: {} } } })
}

/** Columns have no zone and hold UTC: a Date would be read in the session's. */
function utc(date: Date): string {
	return date.toISOString().replace('Z', '')
}

function keyOf({ workloadId, replica }: Sample): string {
	return `${workloadId ?? ''}/${replica ?? ''}`
}
