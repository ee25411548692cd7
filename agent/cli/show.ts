import type { Node, Workload } from '../protocol/index.ts'
import type { Explanation } from './client/lattice.ts'
import { bytes, duration, plain, table } from './format.ts'

/** Lines for people; `--json` prints the values themselves instead. Pure. */

export function workloadTable(workloads: Workload[], now: number): string[] {
	if (workloads.length === 0) return ['no workloads yet; "lattice deploy NAME --type custom --image IMAGE" makes one']
	return table(
		['NAME', 'TYPE', 'STATUS', 'NODE', 'REPLICAS', 'URL', 'AGE'],
		workloads.map((workload) => [
			workload.name,
			workload.type,
			workload.status,
			nodesOf(workload),
			String(workload.replicas),
			workload.publicUrl ?? '-',
			duration(now - Date.parse(workload.createdAt)),
		]),
	)
}

export function workloadDetail(workload: Workload): string[] {
	const where = workload.node ? ` on ${workload.node.name}` : ''
	const lines = [`${workload.name}  ${workload.status}${where}  (${workload.type}, ${workload.id})`]
	if (workload.statusReason) lines.push(`  ${plain(workload.statusReason)}`)
	const nameOf = new Map(workload.instances?.map(({ replica, node }) => [replica, node?.name]))
	for (const { kind, url, container, replica, warning } of workload.endpoints) {
		// an address of one machine: which one it is good on
		const on = replica === null || !nameOf.get(replica) ? '' : ` on ${nameOf.get(replica)}`
		lines.push(`  ${kind.padEnd(8)}${url}  → port ${container}${on}`)
		if (warning) lines.push(`          not encrypted: ${plain(warning)}`)
	}
	if (workload.replicas > 1) {
		for (const { replica, node, status, statusReason } of workload.instances ?? []) {
			lines.push(
				`  replica ${replica}  ${status} on ${node?.name ?? '-'}${statusReason ? `  ${plain(statusReason)}` : ''}`,
			)
		}
	}
	const credentials = Object.entries(workload.credentials ?? {})
	if (credentials.length > 0) lines.push('credentials')
	const longest = Math.max(0, ...credentials.map(([name]) => name.length))
	for (const [name, value] of credentials) lines.push(`  ${name.padEnd(longest)}  ${value}`)
	return lines
}

export function nodeTable(nodes: Node[], now: number): string[] {
	if (nodes.length === 0) return ['no nodes yet; "lattice invite" makes the line that another machine joins with']
	return table(
		['NAME', 'STATUS', 'ARCH', 'CPUS', 'MEMORY', 'DISK FREE', 'ENGINE', 'SEEN', 'PEER'],
		nodes.map((node) => [
			node.gateway ? `${node.name} (gateway)` : node.name,
			node.status,
			node.arch,
			`${round(node.allocated.cpus)}/${round(node.capacity.cpus)}`,
			`${bytes(node.allocated.memoryBytes)}/${bytes(node.capacity.memoryBytes)}`,
			bytes(node.capacity.diskBytes - node.allocated.diskBytes),
			node.engine.ready
				? (node.engine.version ?? 'ready')
				: `not ready: ${plain(node.engine.reason ?? 'no reason given')}`,
			`${duration(now - Date.parse(node.lastSeenAt))} ago`,
			node.peerId,
		]),
	)
}

export function explanationLines({ chosen, candidates, rejected }: Explanation): string[] {
	const picked = new Set(chosen.map(({ node }) => node.peerId))
	const ranked = [...candidates].sort((a, b) => b.score - a.score)
	const rows = ranked.map(({ node, score, reasons }) => [
		picked.has(node.peerId) ? '→' : '',
		node.name,
		score.toFixed(1),
		plain(reasons.map((reason) => reason.detail).join('; ')),
	])
	const lines = rows.length > 0 ? table(['', 'NODE', 'SCORE', 'WHY'], rows) : ['no node fits']
	for (const { node, reason } of rejected) lines.push(`rejected ${node.name}: ${plain(reason)}`)
	return lines
}

/** `h1`, or `h1 +2` where replicas run elsewhere, too. */
function nodesOf({ node, instances }: Workload): string {
	const names = new Set(instances?.flatMap((instance) => instance.node?.name ?? []))
	const others = names.size - (node && names.has(node.name) ? 1 : 0)
	if (node === null) return '-'
	return others > 0 ? `${node.name} +${others}` : node.name
}

function round(cpus: number): string {
	return String(Math.round(cpus * 100) / 100)
}
