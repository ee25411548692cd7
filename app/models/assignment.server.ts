import { z } from 'zod'
import { Command, type CommandOf, WorkloadReport } from '../../agent/protocol/index.ts'
import { type Database, inTransaction, type Queries } from './database.server.ts'
import { isUniqueViolation } from './database-error.server.ts'
import { Prisma } from './generated/client.ts'

/**
 * sent: asked, the answer is not known; taken: the host holds it; removed: the host deleted it; lost: the host says
 * that it knows nothing of it.
 */
export const AssignmentState = z.enum(['sent', 'taken', 'removed', 'lost'])
export type AssignmentState = z.infer<typeof AssignmentState>

/** A host's report without what the workload's own row keeps. */
export const HostReport = WorkloadReport.pick({
	generation: true,
	desired: true,
	status: true,
	statusReason: true,
	error: true,
	replicas: true,
	updatedAt: true,
})
export type HostReport = z.infer<typeof HostReport>

const Indexes = z.array(z.number().int())

export type PlacingCommand = CommandOf<'deploy'> | CommandOf<'scale'>

export interface AssignmentRecord {
	workloadId: string
	peerId: string
	nodeName: string
	state: AssignmentState
	generation: number
	/** replica indexes */
	ordered: number[]
	/** state `sent`: what was sent, to send exactly that again */
	command: PlacingCommand | null
	revision: number
	report: HostReport | null
	updatedAt: Date
}

/**
 * Written before the command leaves: after a crash the same host is asked again, and no other. False when the workload
 * was deleted meanwhile, or when another console (whose lease this one believed to be over) gave a replica to another
 * host: then nothing may be sent.
 */
export async function recordSent(
	database: Database,
	sent: { peerId: string; nodeName: string; command: PlacingCommand },
): Promise<boolean> {
	const { peerId, nodeName, command } = sent
	const data = {
		nodeName,
		state: 'sent',
		generation: command.generation,
		ordered: command.replicas,
		command: command as Prisma.InputJsonValue,
		updatedAt: new Date(),
	}
	const key = { workloadId: command.workloadId, peerId }
	return inTransaction(database, async (queries) => {
		await queries.$queryRaw`SELECT 1 FROM "Workload" WHERE id = ${key.workloadId} FOR UPDATE`
		const alive = await queries.workload.count({ where: { id: key.workloadId, deletedAt: null, deleting: false } })
		if (alive === 0) return false
		const others = await queries.assignment.findMany({
			where: { workloadId: key.workloadId, peerId: { not: peerId }, state: { in: ['sent', 'taken'] } },
		})
		const given = new Set(others.flatMap((other) => Indexes.parse(other.ordered)))
		if (command.replicas.some((index) => given.has(index))) return false
		const where = { workloadId_peerId: key }
		await queries.assignment.upsert({ where, create: { ...key, ...data }, update: data })
		return true
	})
}

/** `from` guards against news that came first: what a host has removed meanwhile does not become taken again. */
export async function setAssignmentState(
	queries: Queries,
	key: { workloadId: string; peerId: string },
	state: AssignmentState,
	from?: AssignmentState,
): Promise<void> {
	const where = { ...key, ...(from !== undefined && { state: from }) }
	await queries.assignment.updateMany({ where, data: { state, command: Prisma.DbNull, updatedAt: new Date() } })
}

/** The host refused: it has nothing of this order, only what it reported before. */
export async function withdrawSent(queries: Queries, key: { workloadId: string; peerId: string }): Promise<void> {
	const row = await queries.assignment.findUnique({ where: { workloadId_peerId: key } })
	if (row === null || row.state !== 'sent') return
	const { report } = asAssignment(row)
	if (report === null) {
		await queries.assignment.deleteMany({ where: { ...key, state: 'sent' } })
		return
	}
	const ordered = report.replicas.map((replica) => replica.index)
	await queries.assignment.updateMany({
		where: { ...key, state: 'sent' },
		data: { state: 'taken', ordered, command: Prisma.DbNull },
	})
}

/** True when the report is news; an older revision than the known one changes nothing. */
export async function saveReport(queries: Queries, report: WorkloadReport): Promise<boolean> {
	const key = { workloadId: report.id, peerId: report.node.peerId }
	const data = {
		nodeName: report.node.name,
		state: 'taken',
		generation: report.generation,
		ordered: report.replicas.map((replica) => replica.index),
		command: Prisma.DbNull,
		revision: report.revision,
		report: HostReport.parse(report) as Prisma.InputJsonValue,
		updatedAt: new Date(),
	}
	const { count } = await queries.assignment.updateMany({
		where: { ...key, OR: [{ revision: { lt: report.revision } }, { state: { in: ['sent', 'lost'] } }] },
		data,
	})
	if (count > 0) return true
	try {
		await queries.assignment.create({ data: { ...key, ...data } })
		return true
	} catch (error) {
		if (isUniqueViolation(error)) return false
		throw error
	}
}

const StoredCommand = Command.nullable().transform((command) =>
	command?.kind === 'deploy' || command?.kind === 'scale' ? command : null,
)
const StoredReport = HostReport.nullable()

export function asAssignment(row: Prisma.AssignmentGetPayload<object>): AssignmentRecord {
	return {
		...row,
		state: AssignmentState.parse(row.state),
		ordered: Indexes.parse(row.ordered),
		command: StoredCommand.parse(row.command),
		revision: Number(row.revision),
		report: StoredReport.parse(row.report),
	}
}
