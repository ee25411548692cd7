import type { WorkloadRecord } from '../models/workload.server.ts'
import type { DeletedData } from './services.ts'
import { volumesOf } from './volumes.ts'

/** What became of the data of a workload that is gone. `volumes`: whether they were to go too; null: nobody knows here. */
export function deletedData(
	{ type, config, assignments }: Pick<WorkloadRecord, 'type' | 'config' | 'assignments'>,
	volumes: boolean | null,
): DeletedData {
	if (volumesOf(type, config)?.length === 0) return 'none'
	// A machine that was lost with it may have its disk still.
	if (volumes === null || assignments.some(({ state }) => state === 'lost')) return null
	return volumes ? 'deleted' : 'kept'
}
