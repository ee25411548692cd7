import type { Workload } from '../../../agent/protocol/index.ts'
import { TONE_OF_STATUS, type Tone } from '../ui/status.tsx'
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
}

/** The URL is the filter's only home: it survives a reload, and can be sent to someone. */
export function queryOf(parameters: URLSearchParams): Query {
	const status = parameters.get('status')
	return {
		tone: FILTERS.find(({ tone }) => tone === status)?.tone ?? null,
		search: parameters.get('q')?.trim() ?? '',
	}
}

export function hrefOf({ tone, search }: Query): string {
	const parameters = new URLSearchParams()
	if (tone) parameters.set('status', tone)
	if (search) parameters.set('q', search)
	const query = parameters.toString()
	return query ? `/?${query}` : '/'
}

/** Every word must be in the name, the type, the node or the id. */
export function matches(workload: Workload, search: string): boolean {
	const haystack = [workload.name, workload.type, workload.node?.name ?? '', workload.id].join(' ').toLowerCase()
	return search
		.toLowerCase()
		.split(/\s+/)
		.every((word) => haystack.includes(word))
}

export interface Filtered {
	rows: Workload[]
	/** of what the search finds, so that a count says how many rows its filter will show */
	counts: Record<Tone, number>
	all: number
}

export function filterWorkloads(workloads: readonly Workload[], { tone, search }: Query): Filtered {
	const found = workloads.filter((workload) => matches(workload, search))
	const rows = found
		.filter((workload) => tone === null || TONE_OF_STATUS[workload.status] === tone)
		.sort((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id))
	return { rows, counts: countByTone(found), all: found.length }
}
