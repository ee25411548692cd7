import type { Placement } from '../../agent/protocol/index.ts'
import { type Database, inTransaction } from '../models/database.server.ts'
import { findWorkload, lockWorkload, updateWorkload, type WorkloadRecord } from '../models/workload.server.ts'
import type { Refused } from './placing.server.ts'

/**
 * The order of an entry becomes the console's own: false when the entry, or another one, has decided anew meanwhile.
 * What was decided stays: the entry may have sent it, or send it yet.
 */
export async function takeOver(database: Database, seen: WorkloadRecord): Promise<boolean> {
	return inTransaction(database, async (queries) => {
		await lockWorkload(queries, seen.id)
		const record = await findWorkload(queries, seen.id)
		if (record?.order?.kind !== 'claimed' || record.claim !== seen.claim) return false
		await updateWorkload(queries, record.id, { order: { kind: 'deploy', refused: [], taking: true } })
		return true
	})
}

/** Where the missing replicas are by the decision that stands; null when it leaves one out, or a host of it refused. */
export function decidedFor(record: WorkloadRecord, missing: number[], refused: Refused): Placement | null {
	if (record.placement === null || record.claim === '') return null
	const chosen = record.placement.chosen.filter(({ replica }) => missing.includes(replica))
	const isOver = chosen.some(({ node }) => refused.some(({ peerId }) => peerId === node.peerId))
	return isOver || chosen.length < missing.length ? null : { ...record.placement, chosen }
}
