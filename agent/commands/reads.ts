import type { Subject } from '../identity/index.ts'
import {
	type CommandFrame,
	type CommandOf,
	CommandResult,
	type GatewayRoutes,
	LatticeError,
	type NodeView,
	type PeerPath,
} from '../protocol/index.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import type { Assignment, Assignments, ReplicaRow } from '../store/assignments.ts'
import type { Changes } from '../store/changes.ts'
import type { Events } from '../store/events.ts'
import type { Workloads } from '../store/workloads.ts'
import { mergeIterables } from './merge.ts'
import { mayTouch, notFound } from './ownership.ts'

export interface ReadsModules {
	runtime: ContainerRuntime
	assignments: Assignments
	workloads: Workloads
	events: Events
	changes: Changes
	/** the lattice as this node sees it */
	nodes: () => NodeView[]
	peers: () => PeerPath[]
	/** what this node gives as a gateway, and to whose workload */
	routes: () => (GatewayRoutes & { owner: string })[]
}

const DONE: CommandFrame = { type: 'result', result: CommandResult.parse({}) }

/** Commands that only look. The same right is needed as for changing: a stranger to a workload reads nothing of it. */
export class Reads {
	readonly #modules: ReadsModules

	constructor(modules: ReadsModules) {
		this.#modules = modules
	}

	list(subject: Subject): CommandResult {
		const reports = this.#modules.workloads.reports().filter((report) => mayTouch(subject, report.owner))
		const routes = this.#modules.routes().filter(({ owner }) => mayTouch(subject, owner))
		return CommandResult.parse({ reports, routes })
	}

	/** Capacities are no secret, what others run is: of the workloads on each node the subject sees its own. */
	nodes(subject: Subject): CommandResult {
		const nodes = this.#modules.nodes().map((view) => {
			const workloads = view.status.workloads.filter(({ owner }) => mayTouch(subject, owner))
			return { ...view, status: { ...view.status, workloads } }
		})
		return CommandResult.parse({ nodes })
	}

	peers(): CommandResult {
		return CommandResult.parse({ peers: this.#modules.peers() })
	}

	/** Credentials are the owner's alone, and the console's that keeps his sealed copy (it acts in his name). */
	get(command: CommandOf<'get'>, subject: Subject): CommandResult {
		const { assignment } = this.#mine(command.workloadId, subject)
		const report = this.#modules.workloads.report(command.workloadId)
		const credentials =
			command.credentials && subject.userId === assignment.owner
				? this.#modules.workloads.credentials(command.workloadId)
				: null
		return CommandResult.parse({ report, credentials })
	}

	async *events(command: CommandOf<'events'>, subject: Subject, signal: AbortSignal): AsyncIterable<CommandFrame> {
		this.#mine(command.workloadId, subject)
		const following = command.follow ? this.#modules.changes.follow(signal) : null
		let seen = 0
		for (const event of this.#modules.events.of(command.workloadId)) {
			seen = event.seq
			yield { type: 'event', event }
		}
		if (following) {
			for await (const change of following) {
				if (change.kind === 'removed' && change.workloadId === command.workloadId) break
				if (change.kind !== 'event' || change.event.workloadId !== command.workloadId) continue
				if (change.event.progress === null && change.event.seq <= seen) continue
				yield { type: 'event', event: change.event }
			}
		}
		yield DONE
	}

	async *logs(command: CommandOf<'logs'>, subject: Subject, signal: AbortSignal): AsyncIterable<CommandFrame> {
		const { rows } = this.#mine(command.workloadId, subject)
		const { tail, follow } = command
		const sources = containersOf(rows, command.replica).map(({ row, containerId }) =>
			this.#modules.runtime.logs(containerId, { replica: row.index, tail, follow, signal }),
		)
		for await (const lines of mergeIterables(sources)) yield { type: 'logs', lines }
		yield DONE
	}

	async *stats(command: CommandOf<'stats'>, subject: Subject, signal: AbortSignal): AsyncIterable<CommandFrame> {
		const { rows } = this.#mine(command.workloadId, subject)
		const sources = containersOf(rows, null).map(({ row, containerId }) =>
			this.#modules.runtime.stats(containerId, { replica: row.index, follow: command.follow, signal }),
		)
		for await (const sample of mergeIterables(sources)) yield { type: 'stats', samples: [sample] }
		yield DONE
	}

	#mine(workloadId: string, subject: Subject): { assignment: Assignment; rows: ReplicaRow[] } {
		const assignment = this.#modules.assignments.get(workloadId)
		if (!assignment || !mayTouch(subject, assignment.owner)) throw notFound(workloadId)
		return { assignment, rows: this.#modules.assignments.replicas(workloadId) }
	}
}

function containersOf(rows: ReplicaRow[], replica: number | null): { row: ReplicaRow; containerId: string }[] {
	const chosen = replica === null ? rows : rows.filter((row) => row.index === replica)
	if (replica !== null && chosen.length === 0) {
		throw new LatticeError(
			'NOT_FOUND',
			`This host runs no replica ${replica} of it; it has ${rows.map((row) => row.index).join(', ') || 'none'}.`,
			{ replica },
		)
	}
	return chosen.flatMap((row) => (row.containerId ? [{ row, containerId: row.containerId }] : []))
}
