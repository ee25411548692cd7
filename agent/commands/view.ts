import {
	bestFirst,
	type Credentials,
	type Endpoint,
	publicUrlOf,
	type Workload,
	type WorkloadReport,
	type WorkloadStatus,
} from '../protocol/index.ts'
import { addressed } from '../templates/catalogue.ts'

/** Statuses in which a connection to the workload can be answered. */
const SERVING: readonly WorkloadStatus[] = ['running', 'unhealthy', 'starting']

/**
 * A report in the shape of the API (contract.md), with what gateways give it. `credentials` undefined leaves the key out.
 */
export function workloadOf(report: WorkloadReport, routes: Endpoint[], credentials?: Credentials | null): Workload {
	const nodes = new Map(report.placement.chosen.map(({ replica, node }) => [replica, node]))
	const own = report.replicas.flatMap((replica) => replica.endpoints)
	const endpoints = SERVING.includes(report.status) ? bestFirst([...routes, ...own]) : own
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
		publicUrl: report.status === 'running' ? publicUrlOf(endpoints) : null,
		endpoints,
		createdAt: report.createdAt,
		updatedAt: report.updatedAt,
		error: report.error,
		...(credentials === undefined ? {} : { credentials: credentials && addressed(report, credentials, endpoints) }),
	}
}
