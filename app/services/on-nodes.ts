import type { Workload } from '../../agent/protocol/index.ts'
import type { StatusCounts } from './services.ts'

/** Of each node, by peer id, how many workloads of each status run there; one with replicas on several counts on each. */
export function countOnNodes(workloads: readonly Workload[]): Record<string, StatusCounts> {
	const nodes: Record<string, StatusCounts> = {}
	const count = (peerId: string, status: Workload['status']) => {
		nodes[peerId] ??= {}
		const counts = nodes[peerId]
		counts[status] = (counts[status] ?? 0) + 1
	}
	for (const { instances = [], node, status } of workloads) {
		const homes = new Set(instances.flatMap((instance) => instance.node?.peerId ?? []))
		if (homes.size === 0 && node) homes.add(node.peerId)
		for (const peerId of homes) count(peerId, status)
	}
	return nodes
}
