import { useRevalidator } from '@remix-run/react'
import { useEffect, useRef } from 'react'
import type { Workload } from '../../../agent/protocol/index.ts'
import { countOnNodes } from '../../services/on-nodes.ts'
import type { StatusCounts, WorkloadPage } from '../../services/services.ts'
import { useFreshness, useLive, useLiveRows, useLiveWorkloads } from '../live/live.tsx'
import type { Tone } from '../ui/status.tsx'
import { filterWorkloads, type Query } from './filters.ts'
import { countByTone, tonesOf } from './summary.ts'

/** Of a lattice whose page is only a part, the numbers are asked for anew this long after something changed. */
const RELOAD_MS = 1_000

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
	useReload(!isWhole)
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

/** At most once in `RELOAD_MS`, also while changes never cease. */
function useReload(wanted: boolean): void {
	const { workloads, removed } = useLive()
	const { revalidate } = useRevalidator()
	const timer = useRef<ReturnType<typeof setTimeout> | null>(null)
	const seen = useRef({ workloads, removed })
	useEffect(() => {
		if (!wanted || timer.current || (seen.current.workloads === workloads && seen.current.removed === removed)) return
		timer.current = setTimeout(() => {
			timer.current = null
			revalidate()
		}, RELOAD_MS)
		seen.current = { workloads, removed }
	}, [workloads, removed, wanted, revalidate])
	useEffect(() => () => clearTimeout(timer.current ?? undefined), [])
}

function allUnknown(tones: Record<Tone, number>): Record<Tone, number> {
	const all = Object.values(tones).reduce((sum, count) => sum + count, 0)
	return { healthy: 0, progressing: 0, degraded: 0, failed: 0, stopped: 0, unknown: all }
}
