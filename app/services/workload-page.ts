import { URGENCY, type Workload, type WorkloadStatus } from '../../agent/protocol/index.ts'
import type { StatusCounts, WorkloadPage, WorkloadPageQuery } from './services.ts'
import { matches } from './workload-search.ts'

export const PAGE_SIZE = 50
const ATTENTION_MAX = 20
const ATTENTION: ReadonlySet<WorkloadStatus> = new Set(['failed', 'unhealthy', 'unknown'])

/** One page of what the search finds, and the numbers of all. Pure. */
export function pageOf(workloads: readonly Workload[], { statuses, search, page }: WorkloadPageQuery): WorkloadPage {
	const totals = countByStatus(workloads)
	const attention = workloads
		.filter(({ status }) => ATTENTION.has(status))
		.sort((a, b) => URGENCY.indexOf(a.status) - URGENCY.indexOf(b.status) || byName(a, b))
		.slice(0, ATTENTION_MAX)
	const total = workloads.length
	if (total <= PAGE_SIZE) {
		return { rows: workloads.toSorted(byName), page: 1, pages: 1, counts: totals, totals, total, attention }
	}
	const found = workloads.filter((workload) => matches(workload, search))
	const chosen = found.filter(({ status }) => statuses.length === 0 || statuses.includes(status)).sort(byName)
	const pages = Math.max(1, Math.ceil(chosen.length / PAGE_SIZE))
	const shown = Math.min(Math.max(1, page), pages)
	const rows = chosen.slice((shown - 1) * PAGE_SIZE, shown * PAGE_SIZE)
	return { rows, page: shown, pages, counts: countByStatus(found), totals, total, attention }
}

export function countByStatus(workloads: readonly Workload[]): StatusCounts {
	const counts: StatusCounts = {}
	for (const { status } of workloads) counts[status] = (counts[status] ?? 0) + 1
	return counts
}

/** Plain order of code units: a collator costs more than all the rest of a page. */
function byName(a: Workload, b: Workload): number {
	if (a.name !== b.name) return a.name < b.name ? -1 : 1
	return a.id < b.id ? -1 : 1
}
