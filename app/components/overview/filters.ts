import type { Workload, WorkloadStatus } from '../../../agent/protocol/index.ts'
import { matches } from '../../services/workload-search.ts'
import { STATUSES, TONE_OF_STATUS, type Tone } from '../ui/status.tsx'
import { countByTone } from './summary.ts'

export const FILTERS: readonly { tone: Tone; label: string }[] = [
	{ tone: 'healthy', label: 'Healthy' },
	{ tone: 'progressing', label: 'On the way' },
	{ tone: 'degraded', label: 'Unhealthy' },
	{ tone: 'failed', label: 'Failed' },
	{ tone: 'stopped', label: 'Stopped' },
	{ tone: 'unknown', label: 'Unknown' },
]

export interface Query {
	tone: Tone | null
	search: string
	/** from 1 on */
	page: number
}

/** The URL is the filter's only home: it survives a reload, and can be sent to someone. */
export function queryOf(parameters: URLSearchParams): Query {
	const status = parameters.get('status')
	return {
		tone: FILTERS.find(({ tone }) => tone === status)?.tone ?? null,
		search: parameters.get('q')?.trim() ?? '',
		page: Math.max(1, Math.floor(Number(parameters.get('page')) || 1)),
	}
}

export function hrefOf({ tone, search, page }: Query): string {
	const parameters = new URLSearchParams()
	if (tone) parameters.set('status', tone)
	if (search) parameters.set('q', search)
	if (page > 1) parameters.set('page', String(page))
	const query = parameters.toString()
	return query ? `/?${query}` : '/'
}

/** What people filter by is coarser than what a workload can be. */
export function statusesOf(tone: Tone | null): WorkloadStatus[] {
	if (tone === null) return []
	return STATUSES.filter((status) => TONE_OF_STATUS[status] === tone)
}

export interface Filtered {
	rows: Workload[]
	/** of what the search finds, so that a count says how many rows its filter will show */
	counts: Record<Tone, number>
	all: number
}

export function filterWorkloads(
	workloads: readonly Workload[],
	{ tone, search }: Pick<Query, 'tone' | 'search'>,
): Filtered {
	const found = workloads.filter((workload) => matches(workload, search))
	const rows = found
		.filter((workload) => tone === null || TONE_OF_STATUS[workload.status] === tone)
		.sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id))
	return { rows, counts: countByTone(found), all: found.length }
}
