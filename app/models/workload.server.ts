import { z } from 'zod'
import { Placement, WireError } from '../../agent/protocol/index.ts'
import { type AssignmentRecord, asAssignment } from './assignment.server.ts'
import { type Database, inTransaction, type Queries } from './database.server.ts'
import { isUniqueViolation } from './database-error.server.ts'
import { Prisma } from './generated/client.ts'

/** An order whose outcome is not known yet. It outlives the console: what is here is enough to go on with it. */
export const PendingOrder = z.discriminatedUnion('kind', [
	z.object({
		kind: z.literal('deploy'),
		/** nodes that refused, each with why: they are not asked again */
		refused: z.array(z.object({ peerId: z.string(), name: z.string(), reason: z.string() })),
		/** others may have given it to the hosts of the claim: those are asked before anything else is decided */
		taking: z.literal(true).optional(),
	}),
	/** an entry agent holds the claim and places the order itself; `attempt` and `shared` as in Decision */
	z.object({ kind: z.literal('claimed'), by: z.string(), attempt: z.string(), shared: z.boolean() }),
	/** sent when its host is back */
	z.object({ kind: z.literal('delete'), userId: z.string(), commandId: z.string(), volumes: z.boolean() }),
])
export type PendingOrder = z.infer<typeof PendingOrder>

export interface WorkloadRecord {
	id: string
	ownerId: string
	name: string
	type: string
	config: unknown
	commandId: string
	claim: string
	generation: number
	replicas: number
	placement: Placement | null
	/** what the console itself decided; a host's failures are in its report */
	failure: WireError | null
	order: PendingOrder | null
	orderSince: Date | null
	deleting: boolean
	createdAt: Date
	updatedAt: Date
	deletedAt: Date | null
	assignments: AssignmentRecord[]
}

const include = { assignments: { orderBy: { peerId: 'asc' } } } satisfies Prisma.WorkloadInclude

export type NewWorkload = Pick<
	WorkloadRecord,
	'id' | 'ownerId' | 'name' | 'type' | 'config' | 'commandId' | 'claim' | 'replicas'
> &
	Partial<Pick<WorkloadRecord, 'generation' | 'placement' | 'order' | 'createdAt'>>

/** The row is the claim: null when the owner has the name, or used the command id, already. */
export async function createWorkload(queries: Queries, workload: NewWorkload): Promise<WorkloadRecord | null> {
	const { order = null, placement = null, config, ...rest } = workload
	const data: Prisma.WorkloadUncheckedCreateInput = {
		...rest,
		heldName: workload.name,
		config: config as Prisma.InputJsonValue,
		placement: json(placement),
		order: json(order),
		orderSince: order && new Date(),
	}
	try {
		return asWorkload(await queries.workload.create({ data, include }))
	} catch (error) {
		if (isUniqueViolation(error)) return null
		throw error
	}
}

export async function findWorkload(queries: Queries, id: string): Promise<WorkloadRecord | null> {
	const row = await queries.workload.findUnique({ where: { id }, include })
	return row && asWorkload(row)
}

/** User id of its owner, without the rest of the record. */
export async function ownerOf(queries: Queries, id: string): Promise<string | null> {
	const row = await queries.workload.findUnique({ where: { id }, select: { ownerId: true } })
	return row?.ownerId ?? null
}

export async function findByCommand(
	queries: Queries,
	ownerId: string,
	commandId: string,
): Promise<WorkloadRecord | null> {
	const where = { ownerId_commandId: { ownerId, commandId } }
	const row = await queries.workload.findUnique({ where, include })
	return row && asWorkload(row)
}

export async function findByHeldName(queries: Queries, ownerId: string, name: string): Promise<WorkloadRecord | null> {
	const where = { ownerId_heldName: { ownerId, heldName: name } }
	const row = await queries.workload.findUnique({ where, include })
	return row && asWorkload(row)
}

export async function findWorkloads(queries: Queries, ids: readonly string[]): Promise<WorkloadRecord[]> {
	if (ids.length === 0) return []
	return (await queries.workload.findMany({ where: { id: { in: [...ids] } }, include })).map(asWorkload)
}

export interface WorkloadChanges {
	/** for the next question; good at this server until it is started again: what one restored or promoted counts differs */
	mark: string
	server: string
	/** workloads of which something was committed since the mark; perhaps a few more */
	ids: string[]
	/** how many are not deleted, and how many assignments those have: rows that are gone for good are in no `ids` */
	alive: number
	assigned: number
}

/**
 * What was committed since `mark`, by PostgreSQL's own numbers of transactions, so that no clock has a say: whatever was
 * not to be seen at the mark is of a transaction that was not over then. Null: nothing but a mark.
 */
export async function workloadChanges(queries: Queries, mark: string | null): Promise<WorkloadChanges> {
	// `age` counts back from now, and goes on doing so when the numbers of transactions begin anew
	const [row] = await queries.$queryRaw<WorkloadChanges[]>`
		SELECT pg_snapshot_xmin(pg_current_snapshot())::text AS mark, pg_postmaster_start_time()::text AS server,
			ARRAY(
				SELECT id FROM "Workload" w WHERE age(w.xmin) <= age(${mark}::text::xid8::xid)
				UNION
				SELECT "workloadId" FROM "Assignment" a WHERE age(a.xmin) <= age(${mark}::text::xid8::xid)
			) AS ids,
			(SELECT count(*)::int FROM "Workload" WHERE "deletedAt" IS NULL) AS alive,
			(SELECT count(*)::int FROM "Assignment" a JOIN "Workload" w ON w.id = a."workloadId"
				WHERE w."deletedAt" IS NULL) AS assigned`
	if (!row) throw new Error('PostgreSQL answered a question without a table by no row')
	return row
}

/** Those not deleted, newest first; of everybody when `ownerId` is null. */
export async function listWorkloads(queries: Queries, ownerId: string | null): Promise<WorkloadRecord[]> {
	const where = { deletedAt: null, ...(ownerId !== null && { ownerId }) }
	const rows = await queries.workload.findMany({ where, orderBy: { createdAt: 'desc' }, include })
	return rows.map(asWorkload)
}

export async function workloadsOnHost(queries: Queries, peerId: string): Promise<WorkloadRecord[]> {
	const where = { deletedAt: null, assignments: { some: { peerId, state: { in: ['sent', 'taken', 'lost'] } } } }
	return (await queries.workload.findMany({ where, include })).map(asWorkload)
}

export async function workloadsWithOrder(queries: Queries): Promise<WorkloadRecord[]> {
	const where = { deletedAt: null, orderSince: { not: null } }
	return (await queries.workload.findMany({ where, orderBy: { orderSince: 'asc' }, include })).map(asWorkload)
}

export type WorkloadChange = Partial<
	Pick<
		WorkloadRecord,
		| 'name'
		| 'config'
		| 'claim'
		| 'generation'
		| 'replicas'
		| 'placement'
		| 'failure'
		| 'order'
		| 'deleting'
		| 'deletedAt'
	>
>

/** A name changes together with what is held; a deleted workload holds none. */
export async function updateWorkload(queries: Queries, id: string, change: WorkloadChange): Promise<void> {
	const { config, placement, failure, order, ...rest } = change
	const data = {
		...rest,
		...(config !== undefined && { config: config as Prisma.InputJsonValue }),
		...(placement !== undefined && { placement: json(placement) }),
		...(failure !== undefined && { failure: json(failure) }),
		...(order !== undefined && { order: json(order), orderSince: order && new Date() }),
		...(change.name !== undefined && { heldName: change.name }),
		...(change.deletedAt && { heldName: null }),
		updatedAt: new Date(),
	}
	await queries.workload.update({ where: { id }, data })
}

/** The same order, further on: the time that it was given stays. */
export async function setOrderState(queries: Queries, id: string, order: PendingOrder): Promise<void> {
	await queries.workload.updateMany({ where: { id, orderSince: { not: null } }, data: { order: json(order) } })
}

/** Marks it deleted when no host has, or may have, anything of it; false when one does. */
export async function deleteUnheld(database: Database, id: string): Promise<boolean> {
	return inTransaction(database, async (queries) => {
		await lockWorkload(queries, id)
		const held = await queries.assignment.count({ where: { workloadId: id, state: { in: ['sent', 'taken'] } } })
		if (held === 0) await updateWorkload(queries, id, { deletedAt: new Date(), order: null })
		return held === 0
	})
}

/** Until the transaction ends nobody else decides about this workload. */
export async function lockWorkload(queries: Queries, id: string): Promise<void> {
	await queries.$queryRaw`SELECT 1 FROM "Workload" WHERE id = ${id} FOR UPDATE`
}

/** Forgets a claim that came to nothing: false when a host has taken it, or it was decided anew, meanwhile. */
export async function withdrawClaim(queries: Queries, { id, claim }: WorkloadRecord): Promise<boolean> {
	const { count } = await queries.workload.deleteMany({
		where: { id, claim, assignments: { none: { state: { in: ['sent', 'taken'] } } } },
	})
	return count === 1
}

/** A JSON column tells SQL's NULL from JSON's null; an absent value is SQL's. */
export function json(value: unknown) {
	return value === null || value === undefined ? Prisma.DbNull : (value as Prisma.InputJsonValue)
}

const StoredPlacement = Placement.nullable()
const StoredFailure = WireError.nullable()
const StoredOrder = PendingOrder.nullable()

type Row = Prisma.WorkloadGetPayload<{ include: typeof include }>

function asWorkload({ heldName: _, ...row }: Row): WorkloadRecord {
	return {
		...row,
		placement: StoredPlacement.parse(row.placement),
		failure: StoredFailure.parse(row.failure),
		order: StoredOrder.parse(row.order),
		assignments: row.assignments.map(asAssignment),
	}
}
