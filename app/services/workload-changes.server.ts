import type { z } from 'zod'
import { type CommandOf, LatticeError, parseInput } from '../../agent/protocol/index.ts'
import { templateOf } from '../../agent/templates/catalogue.ts'
import type { Template } from '../../agent/templates/template.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { AssignmentRecord } from '../models/assignment.server.ts'
import type { Database } from '../models/database.server.ts'
import { newCommandId } from '../models/ids.server.ts'
import { deleteUnheld, type PendingOrder, updateWorkload, type WorkloadRecord } from '../models/workload.server.ts'
import { type HostCommands, unreachable } from './host-commands.server.ts'
import type { Orders } from './orders.server.ts'
import { decide, given, missingReplicas, noNodeFits } from './placing.server.ts'
import type { Records } from './records.server.ts'
import type { Actor } from './services.ts'
import type { DeleteInput, ScaleInput } from './workload-inputs.ts'

/** An accepted order shows in the host's next report; the answer waits this long for it. */
const REPORT_WAIT_MS = 500

export interface WorkloadChangesModules {
	database: Database
	fleet: Pick<Fleet, 'peerId' | 'views' | 'isReachable'>
	commands: HostCommands
	orders: Orders
	records: Records
}

/** Orders about a workload that exists. A host that is away means HOST_UNREACHABLE, and then nothing is changed anywhere. */
export class WorkloadChanges {
	readonly #modules: WorkloadChangesModules

	constructor(modules: WorkloadChangesModules) {
		this.#modules = modules
	}

	/** Also places again what no host took before: a node may have joined since. */
	async start(actor: Actor, record: WorkloadRecord, commandId: string): Promise<void> {
		const { database, orders } = this.#modules
		refuseDeleting(record)
		const holders = given(record)
		if (holders.length > 0)
			await this.#toAll(actor, record, holders, { kind: 'start', commandId, workloadId: record.id })
		if (record.order === null && missingReplicas(record).length > 0) {
			await updateWorkload(database, record.id, { order: { kind: 'deploy', refused: [] }, failure: null })
			orders.kick(record.id)
		}
	}

	async stop(actor: Actor, record: WorkloadRecord, commandId: string): Promise<void> {
		const holders = refuseUnplaced(record, 'stopped')
		await this.#toAll(actor, record, holders, { kind: 'stop', commandId, workloadId: record.id })
	}

	async restart(actor: Actor, record: WorkloadRecord, commandId: string): Promise<void> {
		const holders = refuseUnplaced(record, 'restarted')
		await this.#toAll(actor, record, holders, { kind: 'restart', commandId, workloadId: record.id })
	}

	/** What no host ever took is gone at once. */
	async delete(actor: Actor, record: WorkloadRecord, input: z.infer<typeof DeleteInput>): Promise<void> {
		const { database, fleet, orders, records } = this.#modules
		if (record.deletedAt !== null) return
		if (await deleteUnheld(database, record.id)) return records.forget(record, 'none')
		const holders = given(record)
		const away = holders.filter(({ peerId }) => !fleet.isReachable(peerId))
		if (away[0] && !input.whenBack) throw unreachable(away[0].nodeName)
		const commandId = input.commandId ?? newCommandId()
		const order = { kind: 'delete', userId: actor.userId, commandId, volumes: input.volumes } as const
		if (away.length === 0) {
			const command = { kind: 'delete', workloadId: record.id, commandId, volumes: input.volumes } as const
			// Before: a host may be done before the last one has answered.
			records.noteDeletion(record.id, input.volumes)
			try {
				await this.#toAll(actor, record, holders, command)
			} catch (thrown) {
				records.noteDeletion(record.id, null)
				throw thrown
			}
			await updateWorkload(database, record.id, { deleting: true, order: null })
			return records.publish(record.id)
		}
		await updateWorkload(database, record.id, { deleting: true, order })
		orders.kick(record.id)
		await records.publish(record.id)
	}

	/** More replicas are placed like a deployment; fewer are taken from the highest index down. */
	async scale(actor: Actor, record: WorkloadRecord, input: z.infer<typeof ScaleInput>): Promise<void> {
		const { database, orders } = this.#modules
		refuseDeleting(record)
		if (record.order !== null) throw wrongState(record, 'is still being placed; scale it when it runs')
		const { replicas } = input
		const template: Template = templateOf(record.type)
		const config = parseInput(template.schema, { ...objectOf(record.config), replicas }, ['config'])
		if (replicas === record.replicas) return
		const scaled = { ...record, config, replicas }
		const generation = record.generation + 1
		if (replicas < record.replicas) {
			await this.#shrink(actor, scaled, generation, input.commandId ?? newCommandId())
			await updateWorkload(database, record.id, { config, replicas, generation, failure: null })
			return
		}
		const missing = missingReplicas(scaled)
		const placement = decide(scaled, missing, this.#ground())
		if (placement.chosen.length < missing.length) throw LatticeError.fromWire(noNodeFits(placement, missing.length))
		const order: PendingOrder = { kind: 'deploy', refused: [] }
		await updateWorkload(database, record.id, { config, replicas, generation, order, failure: null })
		orders.kick(record.id)
	}

	async #shrink(actor: Actor, scaled: WorkloadRecord, generation: number, commandId: string): Promise<void> {
		const kept = (assignment: AssignmentRecord) => assignment.ordered.filter((index) => index < scaled.replicas)
		const holders = given(scaled).filter((assignment) => kept(assignment).length < assignment.ordered.length)
		const chosen = scaled.placement?.chosen.filter(({ replica }) => replica < scaled.replicas) ?? []
		const base = scaled.placement ?? decide(scaled, [], this.#ground())
		const placement = { ...base, chosen }
		await this.#toAll(actor, scaled, holders, ({ ordered }) => ({
			kind: 'scale',
			commandId,
			workloadId: scaled.id,
			generation,
			replicas: ordered.filter((index) => index < scaled.replicas),
			placement,
			claim: null,
		}))
	}

	/** All hosts must be there before the first is asked; then all are asked at once. */
	async #toAll(
		actor: Actor,
		record: WorkloadRecord,
		holders: AssignmentRecord[],
		given: ChangeCommand | ((holder: AssignmentRecord) => ChangeCommand),
	): Promise<void> {
		const { fleet, commands, records } = this.#modules
		const away = holders.find(({ peerId }) => !fleet.isReachable(peerId))
		if (away) throw unreachable(away.nodeName)
		const news = records.nextReport(record.id, REPORT_WAIT_MS)
		const answers = await Promise.all(
			holders.map((holder) =>
				commands.order(actor.userId, holder.peerId, typeof given === 'function' ? given(holder) : given),
			),
		)
		for (const answer of answers) if (answer.outcome !== 'accepted') throw answer.error
		await news
	}

	#ground() {
		const { fleet } = this.#modules
		return { nodes: fleet.views(), refused: [], by: fleet.peerId, now: new Date() }
	}
}

type ChangeCommand = CommandOf<'start' | 'stop' | 'restart' | 'delete' | 'scale'>

function refuseDeleting(record: WorkloadRecord): void {
	if (record.deleting || record.deletedAt !== null) throw wrongState(record, 'is being deleted')
}

function refuseUnplaced(record: WorkloadRecord, verb: string): AssignmentRecord[] {
	refuseDeleting(record)
	const holders = given(record)
	if (holders.length === 0) throw wrongState(record, `runs nowhere yet, so it cannot be ${verb}; start or delete it`)
	return holders
}

function wrongState(record: WorkloadRecord, problem: string): LatticeError {
	return new LatticeError('WRONG_STATE', `${record.name} ${problem}.`, { id: record.id })
}

function objectOf(config: unknown): object {
	return typeof config === 'object' && config !== null ? config : {}
}
