import type { Binding } from '../endpoints/bindings.ts'
import { LatticeError, type Phase, type PullProgress, type WireError, type WorkloadEvent } from '../protocol/index.ts'
import type { ContainerRuntime, ObservedContainer } from '../runtime/runtime.ts'
import type { Assignments, ReplicaRow } from '../store/assignments.ts'
import type { Changes } from '../store/changes.ts'
import type { Claims } from '../store/claims.ts'
import type { Database } from '../store/database.ts'
import type { Events } from '../store/events.ts'
import type { OpenAssignment } from '../store/workloads.ts'
import { containerPlan, type NodeIdentity, networkName, volumeName } from './container-plan.ts'
import { phaseOf } from './phase-of.ts'
import type { Operation } from './plan.ts'
import { allocatePorts } from './ports.ts'

export interface ExecuteModules {
	identity: NodeIdentity
	runtime: ContainerRuntime
	db: Database
	assignments: Assignments
	claims: Claims
	events: Events
	changes: Changes
	/** the newest order of this workload that has no outcome yet: its events bear its id */
	currentOrder: (workloadId: string) => string | null
	/** the addresses that the ports of this workload are published on */
	bindingsOf: (open: OpenAssignment) => Binding[]
}

const LOG_TAIL = 20
const ENDS: readonly ReplicaRow['status'][] = ['running', 'stopped', 'failed']
const START_ATTEMPTS = 3

/** Carries out the operations of one workload's plan, one after the other, and writes down how far it has come. */
export class Executor {
	readonly #modules: ExecuteModules

	constructor(modules: ExecuteModules) {
		this.#modules = modules
	}

	async run(open: OpenAssignment, operation: Operation, signal: AbortSignal): Promise<void> {
		const { runtime, assignments } = this.#modules
		const { workloadId } = open.assignment
		switch (operation.op) {
			case 'pull':
				return this.#pull(open, operation.image, signal)
			case 'prepare':
				return this.#prepare(open)
			case 'create':
				return this.#create(open, operation.replica)
			case 'start':
				return this.#start(open, operation.replica, operation.containerId)
			case 'keep':
				return runtime.keepRunning(operation.containerId)
			case 'stop': {
				const isStop = () =>
					assignments.get(workloadId)?.desired === 'stopped' &&
					this.#row(workloadId, operation.replica).phase !== 'leaving'
				if (isStop()) this.#move(this.#row(workloadId, operation.replica), 'stopping', { status: 'stopping' })
				await runtime.stop(operation.containerId, open.template.plan(open.config, open.secrets).stopTimeoutS)
				if (isStop())
					this.#move(this.#row(workloadId, operation.replica), 'stopped', {
						status: 'stopped',
						reason: null,
						error: null,
					})
				return
			}
			case 'acknowledge-restart': {
				const row = this.#row(workloadId, operation.replica)
				assignments.putReplica({ ...row, status: 'pending', restartNonce: open.assignment.restartNonce })
				return
			}
			case 'remove':
				return runtime.remove(operation.containerId)
			case 'fail':
				return this.#fail(open, operation.replica, operation.containerId, operation.error)
			case 'mark': {
				const row = this.#row(workloadId, operation.replica)
				const settledOnce = row.settledOnce || operation.settled === true
				const phase = phaseOf(operation.status)
				const quiet = row.status === operation.status
				this.#move(row, quiet ? null : phase, {
					status: operation.status,
					reason: operation.reason,
					settledOnce,
					error: operation.status === 'running' ? null : row.error,
				})
				return
			}
			case 'drop-replica':
				return assignments.removeReplica(workloadId, operation.replica)
			case 'clean':
				return this.#clean(open)
			case 'forget':
				return this.#forget(open)
			case 'await':
				return
		}
	}

	/** A failure of an operation of a replica that never ran is the deployment's failure; nothing of it stays behind. */
	async failed(open: OpenAssignment, replica: number, error: LatticeError): Promise<void> {
		const row = this.#row(open.assignment.workloadId, replica)
		await this.#fail(open, replica, row.containerId, error.toJSON())
	}

	/** Puts an observed container's facts on its row, without an event. */
	observe(row: ReplicaRow, container: ObservedContainer): void {
		const { id: containerId, startedAt, exitCode } = container
		const restarts = Math.max(row.restarts, container.restarts)
		const facts = { containerId, startedAt, exitCode, restarts }
		const same = row.containerId === containerId && row.startedAt === startedAt
		if (same && row.exitCode === exitCode && row.restarts === restarts) return
		this.#modules.assignments.putReplica({ ...row, ...facts })
		this.#modules.changes.emit({ kind: 'workload', workloadId: row.workloadId })
	}

	async #pull(open: OpenAssignment, image: string, signal: AbortSignal): Promise<void> {
		const { events, changes, assignments, runtime } = this.#modules
		const { workloadId } = open.assignment
		for (const row of assignments.replicas(workloadId)) {
			if (row.status === 'pending') this.#move(row, 'pulling', { status: 'pulling', reason: `pulling ${image}` })
		}
		const announce = (progress: PullProgress) => {
			changes.emit({ kind: 'event', event: events.transient({ ...blank(open, null), phase: 'pulling', progress }) })
		}
		await runtime.pull(image, announce, signal)
		this.#announce(open, null, 'pulled', image)
	}

	async #prepare(open: OpenAssignment): Promise<void> {
		const { runtime, identity } = this.#modules
		const { workloadId, owner, name } = open.assignment
		await runtime.ensureNetwork(networkName(owner), {
			'lattice.id': identity.latticeId,
			'lattice.node': identity.peerId,
			'lattice.owner': owner,
		})
		for (const volume of open.template.plan(open.config, open.secrets).volumes) {
			await runtime.ensureVolume(volumeName(workloadId, volume.name), {
				'lattice.id': identity.latticeId,
				'lattice.node': identity.peerId,
				'lattice.owner': owner,
				'lattice.workload': workloadId,
				'lattice.name': name,
			})
		}
	}

	async #create(open: OpenAssignment, replica: number): Promise<void> {
		const { runtime, assignments } = this.#modules
		const row = this.#row(open.assignment.workloadId, replica)
		this.#move(row, 'creating', { status: 'creating', reason: null })
		const id = await runtime.create(containerPlan(this.#modules.identity, open, this.#row(row.workloadId, replica)))
		assignments.putReplica({ ...this.#row(row.workloadId, replica), containerId: id, phase: 'created' })
	}

	async #start(open: OpenAssignment, replica: number, containerId: string | null): Promise<void> {
		const { runtime } = this.#modules
		const before = this.#row(open.assignment.workloadId, replica)
		const id = containerId ?? before.containerId
		if (!id) throw new LatticeError('INTERNAL', 'A container was to be started before it was created.')
		const again = before.settledOnce && open.assignment.desired === 'running' && before.exitCode !== null
		this.#move(before, 'starting', {
			status: 'starting',
			reason: null,
			restarts: again ? before.restarts + 1 : before.restarts,
		})
		for (let attempt = 1; ; attempt++) {
			try {
				await runtime.start(this.#row(before.workloadId, replica).containerId ?? id)
				break
			} catch (error) {
				if (!(error instanceof LatticeError) || attempt >= START_ATTEMPTS) throw error
				// Another program took the port since it was picked: the container gets new ones and is made again.
				if (error.code === 'PORT_TAKEN') await this.#renumber(open, replica)
				// Somebody pruned the network while no container ran on it.
				else if (error.code === 'NOT_FOUND' && 'network' in error.facts) await this.#prepare(open)
				else throw error
			}
		}
		this.#move(this.#row(before.workloadId, replica), 'started', {})
	}

	async #renumber(open: OpenAssignment, replica: number): Promise<void> {
		const { runtime, assignments, db } = this.#modules
		const row = this.#row(open.assignment.workloadId, replica)
		if (row.containerId) await runtime.remove(row.containerId)
		const ports = await allocatePorts(open, this.#modules.bindingsOf(open), assignments.takenPorts())
		// Before the container: the engine does not tell which of its ports was meant for whom.
		db.transaction(() => assignments.putReplica({ ...row, ports, containerId: null }))
		const id = await runtime.create(containerPlan(this.#modules.identity, open, { ...row, ports }))
		assignments.putReplica({ ...row, ports, containerId: id })
	}

	async #fail(open: OpenAssignment, replica: number, containerId: string | null, error: WireError): Promise<void> {
		const { runtime, assignments } = this.#modules
		const logTail = containerId ? await this.#lastLines(containerId, replica) : []
		const whole: WireError = logTail.length > 0 ? { ...error, facts: { ...error.facts, logTail } } : error
		if (containerId) await runtime.remove(containerId)
		const row = this.#row(open.assignment.workloadId, replica)
		this.#move(row, 'failed', { status: 'failed', reason: whole.message, error: whole, containerId: null })
		const rows = assignments.replicas(open.assignment.workloadId)
		// Data that no replica ever served from is half-made: it goes with the failed deployment.
		if (rows.every((each) => each.status === 'failed' && !each.settledOnce)) await this.#clean(open, true)
	}

	async #lastLines(containerId: string, replica: number): Promise<string[]> {
		const lines: string[] = []
		try {
			for await (const batch of this.#modules.runtime.logs(containerId, { replica, tail: LOG_TAIL, follow: false })) {
				lines.push(...batch.map((line) => line.text.slice(0, 500)))
			}
		} catch (error) {
			// The failure itself matters more than its evidence; the evidence says that it could not be had.
			lines.push(`(its log could not be read: ${LatticeError.from(error).message})`)
		}
		return lines.slice(-LOG_TAIL)
	}

	async #clean(open: OpenAssignment, volumes = !open.assignment.keepVolumes): Promise<void> {
		const { runtime, assignments } = this.#modules
		const { workloadId, owner } = open.assignment
		if (volumes) {
			const own = await runtime.volumes({
				'lattice.workload': workloadId,
				'lattice.node': this.#modules.identity.peerId,
			})
			for (const volume of own) await runtime.removeVolume(volume.name)
		}
		// Another workload of the owner may be between its network and its container, where the engine counts no user yet.
		// Asked right before: who is accepted from here on prepares the network after this removal, which takes turns.
		if (!assignments.hasOthers(owner, workloadId)) await runtime.removeNetwork(networkName(owner))
	}

	#forget(open: OpenAssignment): Promise<void> {
		const { assignments, claims, db, changes } = this.#modules
		const { workloadId } = open.assignment
		this.#announce(open, null, 'deleted', null)
		db.transaction(() => {
			assignments.forget(workloadId)
			claims.releaseWorkload(workloadId)
		})
		changes.emit({ kind: 'removed', workloadId })
		return Promise.resolve()
	}

	#row(workloadId: string, replica: number): ReplicaRow {
		const row = this.#modules.assignments.replicas(workloadId).find((each) => each.index === replica)
		if (!row) throw new LatticeError('INTERNAL', `Replica ${replica} of ${workloadId} is not assigned here.`)
		return row
	}

	/**
	 * Row and event in one transaction; `phase` null changes the row without an event. Ends are on the disk before anybody
	 * hears of them; the steps to them are not waited for.
	 */
	#move(row: ReplicaRow, phase: Phase | null, change: Partial<ReplicaRow>): void {
		const { db, assignments, events, changes } = this.#modules
		const assignment = assignments.get(row.workloadId)
		const write = (): WorkloadEvent | null => {
			assignments.putReplica({ ...row, ...change, phase: phase ?? row.phase })
			if (!phase) return null
			return events.append({
				workloadId: row.workloadId,
				commandId: this.#modules.currentOrder(row.workloadId) ?? assignment?.commandId ?? null,
				replica: row.index,
				phase,
				message: change.reason ?? null,
				progress: null,
				placement: null,
				error: change.error ?? null,
			})
		}
		const isEnd = change.status !== undefined && ENDS.includes(change.status)
		const event = isEnd ? db.transaction(write) : db.progress(write)
		changes.emit({ kind: 'workload', workloadId: row.workloadId })
		if (event) changes.emit({ kind: 'event', event })
	}

	#announce(open: OpenAssignment, replica: number | null, phase: Phase, message: string | null): void {
		const { db, events } = this.#modules
		const event = db.progress(() => events.append({ ...blank(open, replica), phase, message }))
		this.#modules.changes.emit({ kind: 'event', event })
	}
}

function blank(open: OpenAssignment, replica: number | null) {
	const { workloadId, commandId } = open.assignment
	return { workloadId, commandId, replica, message: null, progress: null, placement: null, error: null }
}
