import type { WorkloadReport, WorkloadStatus } from '../../protocol/index.ts'
import { TEMPLATES } from '../../templates/catalogue.ts'
import type { DeclaredPort } from '../../templates/template.ts'

/** One replica that a connection may be given to. */
export interface Backend {
	peerId: string
	replica: number
	/** its host is suspected to be away: asked only when no other is left */
	doubtful: boolean
}

/** One declared port of one workload, as a gateway fronts it. */
export interface Route {
	workloadId: string
	name: string
	owner: string
	port: DeclaredPort
	/** the owner wants it to run: its address listens */
	wanted: boolean
	/** a replica is on its way: a connection that waits a moment will be answered */
	coming: boolean
	/** host names that the owner chose; for the first HTTP port only */
	domains: string[]
	/** place among the HTTP ports of the workload; null for others */
	httpIndex: number | null
	createdAt: string
	/** hosts that hold replicas, in whatever state */
	hosts: string[]
	replicas: number
	backends: Backend[]
}

export function routeKey(workloadId: string, container: number): string {
	return `${workloadId}:${container}`
}

const COMING: readonly WorkloadStatus[] = ['pending', 'pulling', 'creating', 'starting']

/** What hosts say of all workloads, as the routes of a gateway: pure, so that it can be printed and tested. */
export function routesOf(reports: readonly WorkloadReport[]): Route[] {
	const routes = [...Map.groupBy(reports, ({ id }) => id).values()].flatMap(routesOfWorkload)
	return oneOwnerADomain(routes)
}

function routesOfWorkload(reports: WorkloadReport[]): Route[] {
	const [newest] = [...reports].sort(
		(a, b) => b.generation - a.generation || (a.placement.at < b.placement.at ? 1 : -1),
	)
	if (!newest || reports.every(({ status }) => status === 'deleting')) return []
	const template = TEMPLATES.find(({ type }) => type === newest.type)
	const parsed = template?.schema.safeParse(newest.config)
	// A newer node may run a service that this catalogue does not have yet.
	if (!template || !parsed?.success || !template.expose(parsed.data).includes('gateway')) return []
	const replicas = placedReplicas(newest, reports)
	const backends = replicas
		.filter(({ status }) => status === 'running' || status === 'unknown')
		.map(({ peerId, index, status }) => ({ peerId, replica: index, doubtful: status === 'unknown' }))
	const wanted = newest.desired === 'running'
	const ports = template.ports(parsed.data)
	const http = ports.filter(({ protocol }) => protocol === 'http')
	return ports.map((port) => ({
		workloadId: newest.id,
		name: newest.name,
		owner: newest.owner,
		port,
		wanted,
		coming: wanted && replicas.some(({ status }) => COMING.includes(status)),
		domains: port === http[0] ? (template.domains?.(parsed.data) ?? []) : [],
		httpIndex: port.protocol === 'http' ? http.indexOf(port) : null,
		createdAt: newest.createdAt,
		hosts: [...new Set(replicas.map(({ peerId }) => peerId))],
		replicas: replicas.length,
		backends,
	}))
}

/** The newest placement says which replica is whose: one that is on its way out gets nothing new. */
function placedReplicas(newest: WorkloadReport, reports: WorkloadReport[]) {
	const placedAt = new Map(newest.placement.chosen.map(({ replica, node }) => [replica, node.peerId]))
	return reports.flatMap((report) =>
		report.replicas
			.filter(({ index }) => report === newest || placedAt.get(index) === report.node.peerId)
			.map(({ index, status }) => ({ peerId: report.node.peerId, index, status })),
	)
}

/** Two owners may name one domain on two sides of a partition: the older workload keeps it. */
function oneOwnerADomain(routes: Route[]): Route[] {
	const holders = new Map<string, Route>()
	for (const route of [...routes].sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))) {
		for (const domain of route.domains) if (!holders.has(domain)) holders.set(domain, route)
	}
	return routes.map((route) => ({ ...route, domains: route.domains.filter((each) => holders.get(each) === route) }))
}
