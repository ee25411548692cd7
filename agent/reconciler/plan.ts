import type { WireError, WorkloadStatus } from '../protocol/index.ts'
import { exitReason } from '../runtime/exit-reason.ts'
import type { ObservedContainer } from '../runtime/runtime.ts'
import type { Assignment, ReplicaRow } from '../store/assignments.ts'

/** One step towards what is desired. A plan is a list of these; it can be printed, tested and run. */
export type Operation =
	| { op: 'pull'; image: string }
	| { op: 'prepare' }
	| { op: 'create'; replica: number }
	| { op: 'start'; replica: number; containerId: string | null }
	| { op: 'keep'; replica: number; containerId: string }
	| { op: 'stop'; replica: number; containerId: string }
	| { op: 'acknowledge-restart'; replica: number }
	| { op: 'remove'; replica: number | null; containerId: string }
	| { op: 'fail'; replica: number; containerId: string | null; error: WireError }
	| { op: 'mark'; replica: number; status: WorkloadStatus; reason: string | null; settled?: boolean }
	| { op: 'await'; replica: number; ms: number }
	| { op: 'drop-replica'; replica: number }
	| { op: 'clean' }
	| { op: 'forget' }

/** What the reconciler knows of one replica's readiness beyond the engine's own word. */
export type Readiness = 'ready' | 'waiting' | 'stable' | 'young'

export interface PlanInput {
	assignment: Pick<Assignment, 'workloadId' | 'generation' | 'desired' | 'restartNonce'>
	replicas: ReplicaRow[]
	observed: ObservedContainer[]
	image: string
	imagePresent: boolean
	/** by replica index, for running containers */
	readiness: Map<number, Readiness>
	/** milliseconds since the epoch, by this host's clock, as the engine's own times are */
	now: number
	/** the engine runs since, as far as is known; milliseconds as `now` */
	engineSince: number
	/** how long a first start may take until it counts as failed */
	readyDeadlineMs: number
}

export const BACKOFF_MAX_MS = 60_000
const PROBE_MIN_MS = 10
const PROBE_MAX_MS = 200

/** Milliseconds before restart number `restarts`: 0.1 s doubling to a minute, as the engine's own policy does. */
export function backoffMs(restarts: number): number {
	return Math.min(BACKOFF_MAX_MS, 100 * 2 ** Math.min(restarts, 10))
}

/** Milliseconds until the next look at one that started `since` ago: most serve within moments, and a look costs the engine. */
function probeDelayMs(since: number): number {
	return Math.min(PROBE_MAX_MS, Math.max(PROBE_MIN_MS, since / 4))
}

export function containerName(workloadId: string, replica: number): string {
	return `lattice-${workloadId.replace('_', '-')}-${replica}`
}

/** Desired and observed in, operations out. Pure: the same input gives the same plan. */
export function plan(input: PlanInput): Operation[] {
	const { assignment, replicas, observed } = input
	const operations: Operation[] = []
	const wanted = new Map<number, ObservedContainer>()
	for (const container of observed) {
		const index = Number(container.labels['lattice.replica'])
		const known = replicas.some((row) => row.index === index)
		if (known && container.name === containerName(assignment.workloadId, index)) wanted.set(index, container)
		else operations.push({ op: 'remove', replica: null, containerId: container.id })
	}

	if (assignment.desired === 'deleted') {
		for (const row of replicas) operations.push(...removal(row.index, wanted.get(row.index)))
		operations.push({ op: 'clean' }, { op: 'forget' })
		return operations
	}

	for (const row of replicas) {
		const container = wanted.get(row.index)
		if (row.phase === 'leaving') {
			operations.push(...removal(row.index, container), { op: 'drop-replica', replica: row.index })
		} else if (row.status === 'failed') {
			if (container) operations.push({ op: 'remove', replica: row.index, containerId: container.id })
		} else if (assignment.desired === 'stopped') {
			operations.push(...stopping(row, container))
		} else {
			operations.push(...running(input, row, container))
		}
	}
	return operations
}

function removal(replica: number, container: ObservedContainer | undefined): Operation[] {
	if (!container) return []
	const stop: Operation[] = container.state === 'running' ? [{ op: 'stop', replica, containerId: container.id }] : []
	return [...stop, { op: 'remove', replica, containerId: container.id }]
}

function stopping(row: ReplicaRow, container: ObservedContainer | undefined): Operation[] {
	if (container && isUp(container))
		return [...proven(row), { op: 'stop', replica: row.index, containerId: container.id }]
	if (row.status === 'stopped') return []
	return [{ op: 'mark', replica: row.index, status: 'stopped', reason: null }]
}

/** Who orders a stop of one that runs has used it: what it does later is no failed deployment, and its data stays. */
function proven(row: ReplicaRow): Operation[] {
	if (row.status !== 'running' || row.settledOnce) return []
	return [{ op: 'mark', replica: row.index, status: 'running', reason: null, settled: true }]
}

function running(input: PlanInput, row: ReplicaRow, container: ObservedContainer | undefined): Operation[] {
	const { assignment } = input
	const replica = row.index
	if (!container) {
		return [
			...(input.imagePresent ? [] : [{ op: 'pull', image: input.image } as const]),
			{ op: 'prepare' },
			{ op: 'create', replica },
			...(row.restartNonce === assignment.restartNonce ? [] : [{ op: 'acknowledge-restart', replica } as const]),
			{ op: 'start', replica, containerId: null },
		]
	}
	if (Number(container.labels['lattice.generation']) !== assignment.generation) {
		// The next pass creates it anew: a replaced container must be gone before its name is free.
		return [...removal(replica, container), { op: 'await', replica, ms: 0 }]
	}
	if (row.restartNonce !== assignment.restartNonce) {
		return [
			...proven(row),
			...(isUp(container) ? [{ op: 'stop', replica, containerId: container.id } as const] : []),
			{ op: 'acknowledge-restart', replica },
			{ op: 'start', replica, containerId: container.id },
		]
	}
	switch (container.state) {
		case 'created':
			return [{ op: 'start', replica, containerId: container.id }]
		case 'running':
			return up(input, row, container)
		case 'restarting':
			return restarting(row, container)
		case 'exited':
		case 'dead':
			return exited(input, row, container)
		default:
			return [
				{ op: 'mark', replica, status: 'unhealthy', reason: `the engine says ${container.state}` },
				{ op: 'await', replica, ms: 1000 },
			]
	}
}

function up(input: PlanInput, row: ReplicaRow, container: ObservedContainer): Operation[] {
	const replica = row.index
	const readiness = input.readiness.get(replica) ?? 'waiting'
	if (container.health === 'unhealthy') {
		if (!row.settledOnce) return [failHealth(row, container, 'its health check fails')]
		return [...mark(row, 'unhealthy', 'its health check fails'), ...keeping(row, container)]
	}
	if (container.health === 'healthy' || readiness === 'ready' || readiness === 'stable') {
		return row.status === 'running' && row.settledOnce
			? keeping(row, container)
			: [{ op: 'mark', replica, status: 'running', reason: null, settled: true }]
	}
	if (readiness === 'young') {
		return [...mark(row, 'running', null), { op: 'await', replica, ms: 1000 }]
	}
	const since = container.startedAt ? input.now - Date.parse(container.startedAt) : 0
	if (since > input.readyDeadlineMs) {
		const seconds = Math.round(input.readyDeadlineMs / 1000)
		if (!row.settledOnce) return [failHealth(row, container, `it was not ready within ${seconds} s`)]
		return [...mark(row, 'unhealthy', `not ready within ${seconds} s`), { op: 'await', replica, ms: 5000 }]
	}
	return [...mark(row, 'starting', 'waiting until it is ready'), { op: 'await', replica, ms: probeDelayMs(since) }]
}

/**
 * Only after the mark is on the disk, so that the engine never starts again what may still fail, and in a round of its
 * own, so that no answer waits for it. An agent that was killed in between finds it owed.
 */
function keeping(row: ReplicaRow, container: ObservedContainer): Operation[] {
	return row.settledOnce && !container.keptRunning
		? [{ op: 'keep', replica: row.index, containerId: container.id }]
		: []
}

/** Between two starts by the engine's own policy. */
function restarting(row: ReplicaRow, container: ObservedContainer): Operation[] {
	if (!row.settledOnce) return [failExit(row, container)]
	const reason = `${exitReason(container)?.message ?? 'It ended.'} The engine starts it again.`
	return [...mark(row, 'unhealthy', reason), { op: 'await', replica: row.index, ms: 1000 }]
}

/** Ended, and the engine leaves it so: not proven yet, stopped by hand, or the engine was restarted without it. */
function exited(input: PlanInput, row: ReplicaRow, container: ObservedContainer): Operation[] {
	const replica = row.index
	// It was stopped before it was ready, and a later order wants it: this end is none of its own.
	if (row.phase === 'accepted' && row.status === 'pending') return [{ op: 'start', replica, containerId: container.id }]
	if (!row.settledOnce) {
		// The engine or the host went down under it: this end is none of its own either.
		const isCut = container.startedAt !== null && Date.parse(container.startedAt) < input.engineSince
		return [isCut ? { op: 'start', replica, containerId: container.id } : failExit(row, container)]
	}
	// The agent was about to start it when it was killed: that start is still owed, and at once.
	if (row.status === 'pending' || row.status === 'starting')
		return [{ op: 'start', replica, containerId: container.id }]
	const finished = container.finishedAt ? Date.parse(container.finishedAt) : input.now
	const due = finished + backoffMs(row.restarts)
	if (input.now >= due) return [{ op: 'start', replica, containerId: container.id }]
	const reason = `${exitReason(container)?.message ?? 'It ended.'} It is started again.`
	return [...mark(row, 'unhealthy', reason), { op: 'await', replica, ms: due - input.now }]
}

function failExit(row: ReplicaRow, container: ObservedContainer): Operation {
	const reason = exitReason(container)
	const error: WireError = reason?.toJSON() ?? {
		code: 'CONTAINER_EXITED',
		message: 'The container ended before it was ready; its last lines say why.',
		facts: {},
	}
	const hint = container.exitCode === 0 ? " A workload's command must keep running." : ''
	return {
		op: 'fail',
		replica: row.index,
		containerId: container.id,
		error: { ...error, message: error.message + hint },
	}
}

function failHealth(row: ReplicaRow, container: ObservedContainer, why: string): Operation {
	return {
		op: 'fail',
		replica: row.index,
		containerId: container.id,
		error: {
			code: 'HEALTH_TIMEOUT',
			message: `The container runs, but ${why}. Check its last lines in the facts, its port and its health check.`,
			facts: {},
		},
	}
}

function mark(row: ReplicaRow, status: WorkloadStatus, reason: string | null): Operation[] {
	return row.status === status && row.reason === reason ? [] : [{ op: 'mark', replica: row.index, status, reason }]
}

function isUp(container: ObservedContainer): boolean {
	return container.state === 'running' || container.state === 'restarting' || container.state === 'paused'
}
