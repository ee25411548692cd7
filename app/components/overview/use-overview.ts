import type { Workload } from '../../../agent/protocol/index.ts'
import { countOnNodes } from '../../services/on-nodes.ts'
import type { StatusCounts, WorkloadPage } from '../../services/services.ts'
import { useFreshness, useLive, useLiveRows, useLiveWorkloads } from '../live/live.tsx'
import { useReload } from '../live/use-reload.ts'
import type { Tone } from '../ui/status.tsx'
import { filterWorkloads, type Query } from './filters.ts'
import { countByTone, tonesOf } from './summary.ts'

export interface OverviewState {
	/** null: there is no workload at all */
	shown: { rows: Workload[]; counts: Record<Tone, number>; page: number; pages: number } | null
	/** those that need a person, and perhaps others */
	attention: readonly Workload[]
	totals: Record<Tone, number>
	/** by peer id */
	onNodes: Record<string, StatusCounts>
}

/**
 * A lattice that fits on one page is here as a whole: filters, counts and newcomers need no question. Of a larger one the
 * rows on the page are live, and everything else is asked for again when the stream says that something changed.
 */
export function useOverview(loaded: WorkloadPage, query: Query): OverviewState {
	const isWhole = loaded.total === loaded.rows.length && loaded.pages === 1
	const everything = useLiveWorkloads(isWhole ? loaded.rows : [])
	const rows = useLiveRows(loaded.rows)
	const { stale } = useFreshness()
	const { workloads, removed } = useLive()
	useReload(!isWhole, workloads, removed)
	if (isWhole) {
		const filtered = filterWorkloads(everything, query)
		return {
			shown: everything.length === 0 ? null : { rows: filtered.rows, counts: filtered.counts, page: 1, pages: 1 },
			attention: everything,
			totals: countByTone(everything),
			onNodes: countOnNodes(everything),
		}
	}
	const { counts, totals, page, pages, attention, onNodes } = loaded
	const known = (tones: Record<Tone, number>) => (stale ? allUnknown(tones) : tones)
	return { shown: { rows, counts: tonesOf(counts), page, pages }, attention, totals: known(tonesOf(totals)), onNodes }
}

function allUnknown(tones: Record<Tone, number>): Record<Tone, number> {
	const all = Object.values(tones).reduce((sum, count) => sum + count, 0)
	return { healthy: 0, progressing: 0, degraded: 0, failed: 0, stopped: 0, unknown: all }
}
