import { z } from 'zod'
import { Labels, NodeStatus } from '../../agent/protocol/index.ts'
import type { Queries } from './database.server.ts'

export interface NodeRecord {
	peerId: string
	name: string
	labels: Labels
	gateway: boolean
	certificate: string
	certificateExpiresAt: Date
	addresses: string[]
	/** its own last words; null before it first connected */
	status: NodeStatus | null
	joinedAt: Date
	lastSeenAt: Date
	leftAt: Date | null
	revokedAt: Date | null
}

const Addresses = z.array(z.string())
/** A status that an older agent wrote may lack what this code wants: then it is as if it had not spoken yet. */
const StoredStatus = NodeStatus.nullable().catch(null)

export async function listNodes(queries: Queries): Promise<NodeRecord[]> {
	return (await queries.node.findMany({ orderBy: { joinedAt: 'asc' } })).map(asNode)
}

export async function findNode(queries: Queries, peerId: string): Promise<NodeRecord | null> {
	const row = await queries.node.findUnique({ where: { peerId } })
	return row && asNode(row)
}

/** The names that begin like this one: a newcomer takes one that is free. */
export async function takenNodeNames(queries: Queries, name: string, except: string): Promise<Set<string>> {
	const rows = await queries.node.findMany({
		where: { name: { startsWith: name.slice(0, 30) }, peerId: { not: except } },
		select: { name: true },
	})
	return new Set(rows.map((row) => row.name))
}

type Enrolment = Pick<NodeRecord, 'peerId' | 'name' | 'labels' | 'gateway' | 'certificate' | 'certificateExpiresAt'>

/** A peer that joins, or joins again after it left. */
export async function saveNode(queries: Queries, node: Enrolment): Promise<void> {
	const { peerId, ...data } = node
	await queries.node.upsert({ where: { peerId }, create: node, update: { ...data, leftAt: null } })
}

export async function saveCertificate(
	queries: Queries,
	node: Pick<NodeRecord, 'peerId' | 'certificate' | 'certificateExpiresAt'>,
): Promise<void> {
	const { peerId, ...data } = node
	await queries.node.updateMany({ where: { peerId }, data })
}

/** It is no member any more; its name is free for the next machine that bears it. */
export async function markDeparted(
	queries: Queries,
	node: Pick<NodeRecord, 'peerId' | 'name'>,
	how: 'leftAt' | 'revokedAt',
): Promise<void> {
	const { peerId } = node
	const name = `${node.name}~${peerId.slice(-4)}`
	await queries.node.updateMany({ where: { peerId, [how]: null }, data: { name, [how]: new Date() } })
}

/** What the console remembers of a node between its own starts: where to dial it and what it last said. */
export async function saveNodeStatus(queries: Queries, status: NodeStatus, lastSeenAt: Date): Promise<void> {
	const data = { status, addresses: status.addresses, lastSeenAt }
	await queries.node.updateMany({ where: { peerId: status.peerId }, data })
}

function asNode(row: Awaited<ReturnType<Queries['node']['findFirstOrThrow']>>): NodeRecord {
	return {
		...row,
		labels: Labels.parse(row.labels),
		addresses: Addresses.parse(row.addresses),
		status: StoredStatus.parse(row.status),
	}
}
