import type { PullProgress, Workload, WorkloadEvent } from '../../../agent/protocol/index.ts'

/** The newest byte count of a pull that is still going on. */
export function pullOf(workload: Workload, events: readonly WorkloadEvent[] | undefined): PullProgress | null {
	if (workload.status !== 'pulling') return null
	return events?.findLast((event) => event.progress !== null)?.progress ?? null
}
