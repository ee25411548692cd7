import type { Queries } from './database.server.ts'
import { isUniqueViolation } from './database-error.server.ts'

export interface AuditRow {
	seq: bigint
	at: Date
	actor: string
	via: string
	action: string
	subject: string
	outcome: string
	facts: object
	previous: string
	hash: string
}

export async function lastAudit(queries: Queries): Promise<{ seq: bigint; hash: string } | null> {
	return queries.auditEvent.findFirst({ orderBy: { seq: 'desc' }, select: { seq: true, hash: true } })
}

/** False when another console wrote this place of the chain first. */
export async function appendAudit(queries: Queries, row: AuditRow): Promise<boolean> {
	try {
		await queries.auditEvent.create({ data: row })
		return true
	} catch (error) {
		if (isUniqueViolation(error)) return false
		throw error
	}
}

/** Rows after `seq` in the order of the chain. */
export async function auditAfter(queries: Queries, seq: bigint, limit: number): Promise<AuditRow[]> {
	const rows = await queries.auditEvent.findMany({ where: { seq: { gt: seq } }, orderBy: { seq: 'asc' }, take: limit })
	return rows.map(asRow)
}

export async function newestAudit(
	queries: Queries,
	query: { subject: string | undefined; actor: string | undefined; limit: number },
): Promise<AuditRow[]> {
	const where = { ...(query.subject && { subject: query.subject }), ...(query.actor && { actor: query.actor }) }
	const rows = await queries.auditEvent.findMany({ where, orderBy: { seq: 'desc' }, take: query.limit })
	return rows.map(asRow)
}

function asRow<T extends { facts: unknown }>(row: T): T & { facts: object } {
	return { ...row, facts: typeof row.facts === 'object' && row.facts !== null ? row.facts : {} }
}
