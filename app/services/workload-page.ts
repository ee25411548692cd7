import { URGENCY, type Workload, type WorkloadStatus } from '../../agent/protocol/index.ts'
import { countOnNodes } from './on-nodes.ts'
import type { StatusCounts, WorkloadPage, WorkloadPageQuery } from './services.ts'
import { matches } from './workload-search.ts'

export const PAGE_SIZE = 25
const ATTENTION_MAX = 20
const ATTENTION: ReadonlySet<WorkloadStatus> = new Set(['failed', 'unhealthy', 'unknown'])

/** One page of what the search finds, and the numbers of all. */
export function pageOf(workloads: readonly Workload[], { statuses, search, page }: WorkloadPageQuery): WorkloadPage {
	const { sorted, ...all } = overallOf(workloads)
	if (all.total <= PAGE_SIZE) return { ...all, rows: sorted, page: 1, pages: 1, counts: all.totals }
	const found = search === '' ? sorted : sorted.filter((workload) => matches(workload, search))
	const chosen = statuses.length === 0 ? found : found.filter(({ status }) => statuses.includes(status))
	const pages = Math.max(1, Math.ceil(chosen.length / PAGE_SIZE))
	const shown = Math.min(Math.max(1, page), pages)
	const rows = chosen.slice((shown - 1) * PAGE_SIZE, shown * PAGE_SIZE)
	return { ...all, rows, page: shown, pages, counts: found === sorted ? all.totals : countByStatus(found) }
}

type Overall = Pick<WorkloadPage, 'totals' | 'total' | 'onNodes' | 'attention'> & { sorted: Workload[] }

/** The same list is asked about many times before anything in it changes. */
const known = new WeakMap<readonly Workload[], Overall>()

function overallOf(workloads: readonly Workload[]): Overall {
	let overall = known.get(workloads)
	if (!overall) {
		const sorted = workloads.toSorted(byName)
		const attention = sorted
			.filter(({ status }) => ATTENTION.has(status))
			.sort((a, b) => URGENCY.indexOf(a.status) - URGENCY.indexOf(b.status))
			.slice(0, ATTENTION_MAX)
		const totals = countByStatus(sorted)
		overall = { sorted, totals, total: sorted.length, onNodes: countOnNodes(sorted), attention }
		known.set(workloads, overall)
	}
	return overall
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
