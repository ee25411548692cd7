import type { WorkloadEvent, WorkloadReport } from '../protocol/index.ts'
import type { Assignments } from '../store/assignments.ts'
import type { Changes } from '../store/changes.ts'
import type { Database } from '../store/database.ts'
import type { Events } from '../store/events.ts'
import type { Workloads } from '../store/workloads.ts'
import type { Directory } from './directory.ts'
import { givesUp } from './doubles.ts'

export interface YieldingModules {
	db: Database
	assignments: Assignments
	workloads: Workloads
	events: Events
	changes: Changes
	directory: Pick<Directory, 'othersOf'>
	/** look at this workload, ending a pull under way */
	interrupt: (workloadId: string) => void
	log: { warn(facts: object, message: string): void }
}

/**
 * After a partition: replicas that another host has by an order given first are taken away here. Their volumes stay on
 * this machine until the workload is deleted with its data, as after scaling down.
 */
export class Yielding {
	readonly #modules: YieldingModules

	constructor(modules: YieldingModules) {
		this.#modules = modules
	}

	/** What is begun here may be doubled from its first moment: the other's report may have come before. */
	start(): () => void {
		return this.#modules.changes.on((change) => {
			if (change.kind !== 'workload') return
			for (const report of this.#modules.directory.othersOf(change.workloadId)) this.heard(report)
		})
	}

	/** A report of another host, proven. */
	heard(report: WorkloadReport): void {
		const { db, assignments, workloads, changes, interrupt, log } = this.#modules
		const assignment = assignments.get(report.id)
		if (!assignment || assignment.desired === 'deleted' || assignment.claim === report.claim) return
		const rows = assignments.replicas(report.id).filter(({ phase }) => phase !== 'leaving')
		const own = workloads.report(report.id)
		if (rows.length === 0 || own === null) return
		const lost = new Set(givesUp(own, report))
		const leaving = rows.filter(({ index }) => lost.has(index))
		if (leaving.length === 0) return
		const { template, config, secrets } = workloads.open(assignment)
		const hasVolumes = template.plan(config, secrets).volumes.length > 0
		const events = db.transaction(() =>
			leaving.map((row) => {
				assignments.putReplica({ ...row, phase: 'leaving', status: 'stopping' })
				return this.#event(report, row.index, hasVolumes)
			}),
		)
		log.warn({ workload: report.id, replicas: [...lost], host: report.node.name }, 'gave up what another host has, too')
		changes.emit({ kind: 'workload', workloadId: report.id })
		for (const event of events) changes.emit({ kind: 'event', event })
		interrupt(report.id)
	}

	#event({ id, node }: WorkloadReport, replica: number, hasVolumes: boolean): WorkloadEvent {
		const what = `${node.name} runs it as well, by an order given first while the two were out of touch`
		const kept = hasVolumes ? ' Its volumes are kept on this machine.' : ''
		return this.#modules.events.append({
			...{ workloadId: id, commandId: null, replica, phase: 'stopping' },
			...{ message: `${what}; it is taken away here.${kept}`, progress: null, placement: null, error: null },
		})
	}
}
