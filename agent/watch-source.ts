import type { OwnRoutes } from './endpoints/gateway/own-routes.ts'
import type { NodeStatusSource } from './node-status.ts'
import type { WatchFrame } from './protocol/index.ts'
import type { Assignments } from './store/assignments.ts'
import type { Changes } from './store/changes.ts'
import type { Workloads } from './store/workloads.ts'

export interface WatchSourceModules {
	changes: Changes
	workloads: Workloads
	assignments: Assignments
	nodeStatus: NodeStatusSource
	routes: OwnRoutes
}

/** This host's truth for a member that follows it: a snapshot, `synced`, then each change as it is committed. */
export async function* watchSource(modules: WatchSourceModules, signal: AbortSignal): AsyncIterable<WatchFrame> {
	const { changes, workloads, assignments, nodeStatus, routes } = modules
	const following = changes.follow(signal)
	yield { type: 'node', node: nodeStatus.status() }
	/** by workload: several changes may have come to one report, and a report is of now, not of then */
	const told = new Map<string, number>()
	for (const report of workloads.reports()) {
		told.set(report.id, report.revision)
		yield { type: 'report', report }
	}
	for (const { workloadId, at } of assignments.tombstones())
		yield { type: 'removed', workloadId, at: new Date(at).toISOString() }
	for (const each of routes.all()) yield { type: 'routes', ...each }
	yield { type: 'synced' }
	let reserved = JSON.stringify(assignments.reserved())
	for await (const change of following) {
		if (change.kind === 'event') yield { type: 'event', event: change.event }
		else if (change.kind === 'routes')
			yield { type: 'routes', workloadId: change.workloadId, endpoints: routes.of(change.workloadId) }
		else if (change.kind === 'removed') {
			told.delete(change.workloadId)
			yield { type: 'removed', workloadId: change.workloadId, at: new Date().toISOString() }
		} else if (change.kind === 'workload') {
			const report = workloads.report(change.workloadId)
			if (report && report.revision !== told.get(report.id)) {
				told.set(report.id, report.revision)
				yield { type: 'report', report }
			}
		}
		const now = JSON.stringify(assignments.reserved())
		if (change.kind === 'node' || now !== reserved) yield { type: 'node', node: nodeStatus.status() }
		reserved = now
	}
}
