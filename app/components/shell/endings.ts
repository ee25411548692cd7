import type { Workload } from '../../../agent/protocol/index.ts'
import type { DeletedData } from '../../services/services.ts'
import { TONE_OF_STATUS } from '../ui/status.tsx'

/** An order that came to its end while somebody looked elsewhere. */
export interface Ending {
	workloadId: string
	text: string
	/** its page; null once it is deleted */
	to: string | null
	outcome: 'running' | 'stopped' | 'failed' | 'deleted'
}

type Workloads = ReadonlyMap<string, Workload>

/** Of what was under way before: what is not any more. */
export function endingsOf(
	before: Workloads,
	now: Workloads,
	removed: ReadonlySet<string>,
	data: ReadonlyMap<string, DeletedData>,
): Ending[] {
	return [...before.values()].flatMap(({ id, name, status }): Ending[] => {
		if (TONE_OF_STATUS[status] !== 'progressing') return []
		if (removed.has(id)) {
			return [{ workloadId: id, text: deletedText(name, data.get(id) ?? null), to: null, outcome: 'deleted' }]
		}
		const to = `/workloads/${id}`
		switch (now.get(id)?.status) {
			case 'running':
				return [{ workloadId: id, text: `${name} is running`, to, outcome: 'running' }]
			case 'stopped':
				return [{ workloadId: id, text: `${name} is stopped`, to, outcome: 'stopped' }]
			case 'failed':
				return [{ workloadId: id, text: `${name} has failed`, to, outcome: 'failed' }]
			default:
				return []
		}
	})
}

function deletedText(name: string, data: DeletedData): string {
	switch (data) {
		case 'deleted':
			return `${name} and the data in its volumes are deleted. This cannot be undone.`
		case 'kept':
			return `${name} is deleted, which cannot be undone. Its volumes are kept.`
		case 'none':
			return `${name} is deleted, which cannot be undone. It had no volumes.`
		case null:
			return `${name} is deleted. This cannot be undone.`
	}
}
