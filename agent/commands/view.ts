import { bestFirst } from '../endpoints/reach.ts'
import type { Credentials, Workload, WorkloadReport } from '../protocol/index.ts'

/** A host's report in the shape of the API (contract.md). `credentials` undefined leaves the key out. */
export function workloadOf(report: WorkloadReport, credentials?: Credentials | null): Workload {
	const nodes = new Map(report.placement.chosen.map(({ replica, node }) => [replica, node]))
	const endpoints = bestFirst(report.replicas.flatMap((replica) => replica.endpoints))
	return {
		id: report.id,
		name: report.name,
		type: report.type,
		status: report.status,
		statusReason: report.statusReason,
		generation: report.generation,
		node: report.node,
		replicas: report.replicas.length,
		instances: report.replicas.map(({ index, status, statusReason }) => {
			return { replica: index, node: nodes.get(index) ?? report.node, status, statusReason }
		}),
		publicUrl: report.status === 'running' ? (endpoints[0]?.url ?? null) : null,
		endpoints,
		createdAt: report.createdAt,
		updatedAt: report.updatedAt,
		error: report.error,
		...(credentials === undefined ? {} : { credentials }),
	}
}
