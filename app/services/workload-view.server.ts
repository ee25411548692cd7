import {
	bestFirst,
	type Credentials,
	type Endpoint,
	type Instance,
	LatticeError,
	type NodeView,
	publicUrlOf,
	type WireError,
	type Workload,
	type WorkloadStatus,
} from '../../agent/protocol/index.ts'
import { addressed } from '../../agent/templates/catalogue.ts'
import type { AssignmentRecord } from '../models/assignment.server.ts'
import type { WorkloadRecord } from '../models/workload.server.ts'
import type { Actor } from './services.ts'

/** What the view asks of the fleet. */
export interface Hosts {
	/** what the host said last still counts: it is there, or was a moment ago */
	isCurrent(peerId: string): boolean
	view(peerId: string): NodeView | null
	/** what the gateways that are there give the workload */
	routes(workloadId: string): Endpoint[]
}

interface Standing {
	status: WorkloadStatus
	reason: string | null
	error: WireError | null
	replicas: number
}

/** Statuses in which a connection to the workload can be answered. */
const SERVING: readonly WorkloadStatus[] = ['running', 'unhealthy', 'starting']

/** Of several hosts the status that asks for attention first stands for all; `unknown` and `failed` are treated apart. */
const URGENCY: readonly WorkloadStatus[] = [
	'unhealthy',
	'deleting',
	'stopping',
	'pulling',
	'creating',
	'starting',
	'pending',
	'stopped',
	'running',
]

/** A record as API callers see it: what hosts said last, and `unknown` where they cannot be asked. */
export function viewOf(record: WorkloadRecord, hosts: Hosts, credentials?: Credentials | null): Workload {
	// A host that was scaled to nothing keeps its volumes, and says nothing about how the workload stands.
	const held = record.assignments.filter(({ state, ordered }) => state !== 'removed' && ordered.length > 0)
	const { status, reason, error } = standingOf(record, held, hosts)
	const serves = SERVING.includes(status)
	const endpoints = bestFirst([...(serves ? hosts.routes(record.id) : []), ...endpointsOf(held)])
	const [first] = held
	const changes = [record.updatedAt, ...held.map((assignment) => assignment.updatedAt)].map((at) => at.getTime())
	return {
		id: record.id,
		name: record.name,
		type: record.type,
		status,
		statusReason: reason,
		generation: record.generation,
		node: first ? { peerId: first.peerId, name: first.nodeName } : null,
		replicas: record.replicas,
		instances: held.flatMap((assignment) => instancesOn(assignment, hosts)).sort((a, b) => a.replica - b.replica),
		publicUrl: status === 'running' || status === 'unhealthy' ? publicUrlOf(endpoints) : null,
		endpoints,
		createdAt: record.createdAt.toISOString(),
		updatedAt: new Date(Math.max(...changes)).toISOString(),
		error,
		...(credentials === undefined ? {} : { credentials: credentials && addressed(record, credentials, endpoints) }),
	}
}

function standingOf(record: WorkloadRecord, held: AssignmentRecord[], hosts: Hosts): Standing {
	if (record.deletedAt !== null) return { status: 'deleting', reason: 'It was deleted.', error: null, replicas: 0 }
	if (held.length === 0) return unplaced(record)
	const standings = held.map((assignment) => standingOn(record, assignment, hosts))
	return record.failure === null ? together(standings) : together([...standings, failed(record, held)])
}

function instancesOn(assignment: AssignmentRecord, hosts: Hosts): Instance[] {
	const { peerId, nodeName, report, state, ordered } = assignment
	const node = { peerId, name: nodeName }
	if (state !== 'lost' && !hosts.isCurrent(peerId)) {
		const statusReason = awayReason(assignment, hosts)
		return ordered.map((replica) => ({ replica, node, status: 'unknown', statusReason }))
	}
	if (state === 'lost' || report === null) return []
	return report.replicas.map(({ index, status, statusReason }) => ({ replica: index, node, status, statusReason }))
}

function unplaced(record: WorkloadRecord): Standing {
	if (record.failure !== null) {
		return { status: 'failed', reason: record.failure.message, error: record.failure, replicas: record.replicas }
	}
	const reason = record.order?.kind === 'claimed' ? 'Another node places this order.' : null
	return { status: 'pending', reason, error: null, replicas: record.replicas }
}

/** Replicas that the console could not place, beside those that run. */
function failed(record: WorkloadRecord, held: AssignmentRecord[]): Standing {
	const placed = held.reduce((sum, assignment) => sum + assignment.ordered.length, 0)
	const replicas = Math.max(1, record.replicas - placed)
	return { status: 'failed', reason: record.failure?.message ?? null, error: record.failure, replicas }
}

function standingOn(record: WorkloadRecord, assignment: AssignmentRecord, hosts: Hosts): Standing {
	const { nodeName, report, state, peerId } = assignment
	const replicas = Math.max(1, assignment.ordered.length)
	const current = hosts.isCurrent(peerId)
	if (state === 'lost') {
		const why =
			hosts.view(peerId)?.liveness === 'left'
				? `${nodeName} is no longer in the lattice, and what it ran went with it.`
				: `${nodeName} no longer knows this workload: its data folder was lost or replaced.`
		const reason = `${why} Delete it here, or deploy it again.`
		const error = new LatticeError('INTERRUPTED', reason, { node: nodeName }).toJSON()
		return { status: 'failed', reason, error, replicas }
	}
	if (!current && report?.status !== 'failed') {
		if (state === 'sent') {
			const reason = `${nodeName} was asked to run this and went away before it answered.`
			return { status: 'unknown', reason, error: null, replicas }
		}
		return { status: 'unknown', reason: awayReason(assignment, hosts), error: null, replicas }
	}
	if (record.deleting && current) return { status: 'deleting', reason: null, error: null, replicas }
	if (report === null) return { status: 'pending', reason: `Ordered at ${nodeName}.`, error: null, replicas }
	return { status: report.status, reason: report.statusReason, error: report.error, replicas }
}

function awayReason({ nodeName, peerId, report }: AssignmentRecord, hosts: Hosts): string {
	const view = hosts.view(peerId)
	if (view?.liveness === 'left') return `${nodeName} has left the lattice.`
	const since = view ? `; last seen ${view.lastSeenAt}` : ''
	const before = report ? `, then ${report.status}` : ''
	return `${nodeName} does not answer${since}${before}.`
}

/** One status for all hosts, with numbers where they differ. */
function together(standings: Standing[]): Standing {
	const [only] = standings
	if (only && standings.length === 1) return only
	const total = standings.reduce((sum, standing) => sum + standing.replicas, 0)
	const parted = standings.filter(({ status }) => status === 'unknown' || status === 'failed')
	const rest = standings.filter((standing) => !parted.includes(standing))
	const [worst] = parted
	if (worst === undefined) return rest.reduce((a, b) => (urgency(b) < urgency(a) ? b : a))
	const error = parted.find((standing) => standing.error !== null)?.error ?? null
	if (rest.length === 0) {
		const status = parted.every((standing) => standing.status === 'unknown') ? 'unknown' : 'failed'
		return { status, reason: parted.find((each) => each.status === status)?.reason ?? null, error, replicas: total }
	}
	const count = parted.reduce((sum, standing) => sum + standing.replicas, 0)
	const reason = `${count} of ${total} replicas ${worst.status === 'failed' ? 'failed' : 'cannot be asked'}: ${worst.reason ?? ''}`
	return { status: 'unhealthy', reason, error, replicas: total }
}

function urgency(standing: Standing): number {
	return URGENCY.indexOf(standing.status)
}

function endpointsOf(held: AssignmentRecord[]): Endpoint[] {
	return held.flatMap(({ report }) => report?.replicas.flatMap((replica) => replica.endpoints) ?? [])
}

/** Owner and admin see and change everything; a member its own. The hosts check the same (agent/commands/ownership.ts). */
export function maySee(actor: Actor, ownerId: string): boolean {
	return actor.userId === ownerId || actor.role !== 'member'
}

/** The same answer for what does not exist and for what is another's: nobody learns of others' workloads. */
export function notFound(id: string): LatticeError {
	return new LatticeError('NOT_FOUND', `There is no workload ${id} that you may see.`, { workloadId: id })
}
