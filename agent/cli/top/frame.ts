import type { Node, NodeUsage, Sample, Workload } from '../../protocol/index.ts'
import { bytes, plain, table } from '../format.ts'

export interface Lattice {
	nodes: Node[]
	workloads: Workload[]
	usage: NodeUsage[]
}

const BAR = 10

/** What is shown at one moment, cut to the terminal's size. Pure. */
export function topFrame({ nodes, workloads, usage }: Lattice, size: { columns: number; rows: number }): string[] {
	const healthy = workloads.filter(({ status }) => status === 'running').length
	const alive = nodes.filter(({ status }) => status === 'alive').length
	const lines = [
		`${alive} of ${nodes.length} nodes alive, ${healthy} of ${workloads.length} workloads running`,
		'',
		...nodeLines(nodes, usage),
		'',
		...workloadLines(workloads, usage),
		...usage.flatMap(({ node, error }) =>
			error ? ['', `${plain(node.name)}: ${error.code}: ${plain(error.message)}`] : [],
		),
	]
	return lines.slice(0, Math.max(1, size.rows - 1)).map((line) => [...line].slice(0, size.columns).join(''))
}

function nodeLines(nodes: Node[], usage: NodeUsage[]): string[] {
	const own = new Map(
		usage.map(({ node, samples }) => [node.peerId, samples.find(({ workloadId }) => workloadId === null)]),
	)
	return table(
		['NODE', 'STATUS', 'CPU', '', 'MEMORY', '', 'DISK', 'IN', 'OUT'],
		nodes.map((node) => {
			const sample = own.get(node.peerId)
			return [
				plain(node.name),
				node.status,
				bar(sample?.cpu, sample?.cpuLimit),
				cores(sample?.cpu, sample?.cpuLimit),
				bar(sample?.memoryBytes, sample?.memoryLimitBytes),
				amount(sample?.memoryBytes, sample?.memoryLimitBytes),
				share(sample?.diskBytes, sample?.diskLimitBytes),
				rate(sample?.rxRate),
				rate(sample?.txRate),
			]
		}),
	)
}

/** The busiest first: they are what a person looks for. */
function workloadLines(workloads: Workload[], usage: NodeUsage[]): string[] {
	const all = usage.flatMap(({ samples }) => samples)
	const rows = workloads
		.map((workload) => ({ workload, used: total(all.filter(({ workloadId }) => workloadId === workload.id)) }))
		.sort((a, b) => (b.used.cpu ?? 0) - (a.used.cpu ?? 0) || (a.workload.name < b.workload.name ? -1 : 1))
	if (rows.length === 0) return ['no workloads']
	return table(
		['WORKLOAD', 'STATUS', 'NODE', 'CPU', 'MEMORY', '', 'IN', 'OUT'],
		rows.map(({ workload, used }) => [
			workload.replicas > 1 ? `${workload.name} ×${workload.replicas}` : workload.name,
			workload.status,
			plain(workload.node?.name ?? '-'),
			cores(used.cpu, used.cpuLimit),
			bar(used.memoryBytes, used.memoryLimitBytes),
			amount(used.memoryBytes, used.memoryLimitBytes),
			rate(used.rxRate),
			rate(used.txRate),
		]),
	)
}

const SUMMED = ['cpu', 'cpuLimit', 'memoryBytes', 'memoryLimitBytes', 'rxRate', 'txRate'] as const
type Total = Record<(typeof SUMMED)[number], number | null>

/** Of all replicas; null where none of them can say. */
function total(samples: readonly Sample[]): Total {
	const sum = (key: (typeof SUMMED)[number]) => {
		const known = samples.flatMap((sample) => sample[key] ?? [])
		return known.length === 0 ? null : known.reduce((a, b) => a + b, 0)
	}
	return Object.fromEntries(SUMMED.map((key) => [key, sum(key)])) as Total
}

type Value = number | null | undefined

function bar(used: Value, limit: Value): string {
	if (used == null || !limit) return '·'.repeat(BAR)
	const full = Math.min(BAR, Math.round((used / limit) * BAR))
	return '█'.repeat(full) + '░'.repeat(BAR - full)
}

function cores(used: Value, limit: Value): string {
	if (used == null) return '-'
	return limit ? `${used.toFixed(2)}/${Math.round(limit * 100) / 100}` : used.toFixed(2)
}

function amount(used: Value, limit: Value): string {
	if (used == null) return '-'
	return limit ? `${bytes(used)}/${bytes(limit)}` : bytes(used)
}

function share(used: Value, limit: Value): string {
	return used == null || !limit ? '-' : `${Math.round((100 * used) / limit)} %`
}

function rate(value: Value): string {
	return value == null ? '-' : `${bytes(value)}/s`
}
