import { LatticeError, type WireError } from '../../agent/protocol/index.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { type PlacingCommand, recordSent, setAssignmentState, withdrawSent } from '../models/assignment.server.ts'
import type { Database } from '../models/database.server.ts'
import { newCommandId } from '../models/ids.server.ts'
import { holdLease, releaseLease } from '../models/lease.server.ts'
import {
	findWorkload,
	type PendingOrder,
	setOrderState,
	updateWorkload,
	type WorkloadRecord,
	workloadsWithOrder,
} from '../models/workload.server.ts'
import type { Decisions } from './decisions.server.ts'
import type { HostCommands } from './host-commands.server.ts'
import { commandsFor, decide, isHostsOwn, joinPlacements, missingReplicas, noNodeFits } from './placing.server.ts'
import type { Records } from './records.server.ts'
import { decidedFor, takeOver } from './taking-over.server.ts'
import type { Timeline } from './timeline.server.ts'

/** An order that nobody answered for this long has failed, clearly; the person can give it again. */
const GIVE_UP_MS = 10 * 60_000
/** An entry that has not got its order to a host by then has died; the console goes on where it was. */
const TAKE_OVER_MS = 20_000
const SWEEP_MS = 15_000
/** Only spares double work: `recordSent` is what keeps two consoles from giving one replica twice. */
const LEASE_S = 20

type DeployOrder = Extract<PendingOrder, { kind: 'deploy' }>

interface Target {
	peerId: string
	nodeName: string
	command: PlacingCommand
}

export interface OrdersModules {
	database: Database
	fleet: Pick<Fleet, 'peerId' | 'views' | 'view' | 'isReachable' | 'settled'>
	decisions: Pick<Decisions, 'sign' | 'fresh' | 'witnessed'>
	commands: HostCommands
	records: Records
	timeline: Timeline
	log: {
		info(facts: object, message: string): void
		warn(facts: object, message: string): void
		error(facts: object, message: string): void
	}
}

/**
 * Carries out orders whose outcome is not known yet: after the request that gave them, after a crash of this console,
 * and when a node comes back. What was sent to whom is written before it is sent, so a resumed order asks the same host
 * with the same command id, and never a second one while the first may have it.
 */
export class Orders {
	readonly #modules: OrdersModules
	readonly #now: () => number
	readonly #running = new Map<string, { again: boolean }>()
	#timer: NodeJS.Timeout | null = null
	#stopped = false

	constructor(modules: OrdersModules, now: () => number = Date.now) {
		this.#modules = modules
		this.#now = now
	}

	/** Takes up what an earlier run left, and looks again now and then for what has waited too long. */
	start(): void {
		const sweep = () => {
			this.#sweep().catch((error: unknown) =>
				this.#modules.log.warn({ err: error }, 'pending orders could not be read'),
			)
		}
		this.#timer = setInterval(sweep, SWEEP_MS).unref()
		void this.#modules.fleet.settled().then(sweep)
	}

	stop(): void {
		this.#stopped = true
		if (this.#timer) clearInterval(this.#timer)
	}

	/** How many orders this console is at. */
	get running(): number {
		return this.#running.size
	}

	/** Works on the order of this workload in the background; one that runs already looks again when it is done. */
	kick(workloadId: string): void {
		if (this.#stopped) return
		const running = this.#running.get(workloadId)
		if (running) {
			running.again = true
			return
		}
		const state = { again: false }
		this.#running.set(workloadId, state)
		void this.#run(workloadId, state)
	}

	async #run(workloadId: string, state: { again: boolean }): Promise<void> {
		const { log } = this.#modules
		try {
			do {
				state.again = false
				await this.#withLease(workloadId, () => this.#carryOut(workloadId))
			} while (state.again && !this.#stopped)
		} catch (error) {
			// The order stays pending; the next sweep takes it up again.
			log.error({ workload: workloadId, err: error }, 'an order could not be carried on')
		} finally {
			this.#running.delete(workloadId)
		}
	}

	async #withLease(workloadId: string, work: () => Promise<void>): Promise<void> {
		const { database, fleet } = this.#modules
		const name = `order:${workloadId}`
		if (!(await holdLease(database, name, fleet.peerId, LEASE_S))) return
		const renewal = setInterval(
			() => {
				holdLease(database, name, fleet.peerId, LEASE_S).catch((error: unknown) => {
					this.#modules.log.warn({ workload: workloadId, err: error }, 'the lease of an order could not be prolonged')
				})
			},
			(LEASE_S * 1000) / 3,
		)
		try {
			await work()
		} finally {
			clearInterval(renewal)
			await releaseLease(database, name, fleet.peerId)
		}
	}

	async #carryOut(workloadId: string): Promise<void> {
		const { database } = this.#modules
		for (;;) {
			const record = await findWorkload(database, workloadId)
			if (record === null || record.deletedAt !== null || record.order === null || this.#stopped) return
			const goesOn = await this.#step(record, record.order)
			if (!goesOn) return
		}
	}

	/** One move of the order; true when there is another to make now. */
	async #step(record: WorkloadRecord, order: NonNullable<WorkloadRecord['order']>): Promise<boolean> {
		switch (order.kind) {
			case 'deploy':
				return this.#placeStep(record, order)
			case 'delete':
				return this.#deleteStep(record, order)
			case 'claimed': {
				if (record.orderSince === null || this.#now() - record.orderSince.getTime() < TAKE_OVER_MS) return false
				return takeOver(this.#modules.database, record)
			}
		}
	}

	async #placeStep(record: WorkloadRecord, order: DeployOrder): Promise<boolean> {
		const { fleet } = this.#modules
		const doubtful = record.assignments.filter(({ state }) => state === 'sent')
		for (const { peerId, nodeName, command } of doubtful) {
			if (command === null || !fleet.isReachable(peerId)) return this.#waitFor(record, nodeName)
			return this.#sendAgain(record, { peerId, nodeName, command }, order)
		}
		const missing = missingReplicas(record)
		if (missing.length === 0) return this.#done(record)
		await fleet.settled()
		const taken = order.taking ? decidedFor(record, missing, order.refused) : null
		if (taken === null) return this.#place(record, missing, order)
		for (const target of commandsFor(record, taken, { generation: record.generation + 1, commandId: newCommandId() })) {
			if (!(await recordSent(this.#modules.database, target))) return false
		}
		return true
	}

	async #place(record: WorkloadRecord, missing: number[], order: DeployOrder): Promise<boolean> {
		const { database, fleet, timeline, decisions } = this.#modules
		const ground = { nodes: fleet.views(), refused: order.refused, by: fleet.peerId, now: new Date(this.#now()) }
		const fresh = decide(record, missing, ground)
		const placement = joinPlacements(record, fresh)
		if (fresh.chosen.length < missing.length) {
			await updateWorkload(database, record.id, { placement })
			return this.#fail(record, noNodeFits(fresh, missing.length))
		}
		const claim = await decisions.sign(record, placement)
		const other = await decisions.witnessed(record, claim, placement)
		if (other !== null) {
			await updateWorkload(database, record.id, { placement: other.placement, claim: other.token })
			await setOrderState(database, record.id, { ...order, taking: true })
			return true
		}
		await updateWorkload(database, record.id, { placement, claim })
		const about = { workloadId: record.id, commandId: record.commandId }
		await timeline.note(record.ownerId, about, 'placed', { placement })
		const scaling = { generation: record.generation + 1, commandId: newCommandId() }
		for (const target of commandsFor({ ...record, claim }, fresh, scaling)) {
			// Written first. Deleted, or given by another console meanwhile: then nothing is sent.
			if (!(await recordSent(database, target))) return false
			await this.#send(record, target, order)
		}
		return true
	}

	/** It may have been sent before, so that the host is not there now says nothing of whether it has the order. */
	async #sendAgain(record: WorkloadRecord, target: Target, order: DeployOrder): Promise<boolean> {
		const { command, nodeName, peerId } = target
		if (command.claim === null) return this.#send(record, target, order)
		const claim = await this.#modules.decisions.fresh(record, command.claim, command.placement)
		if (!this.#modules.fleet.isReachable(peerId)) return this.#waitFor(record, nodeName)
		return this.#send(record, { ...target, command: { ...command, claim } }, order)
	}

	async #send(record: WorkloadRecord, target: Target, order: DeployOrder): Promise<boolean> {
		const { database, commands, records, log } = this.#modules
		const { peerId, nodeName, command } = target
		const key = { workloadId: record.id, peerId }
		const acceptance = await commands.order(record.ownerId, peerId, command)
		const facts = { workload: record.id, node: nodeName, outcome: acceptance.outcome }
		log.info(acceptance.outcome === 'accepted' ? facts : { ...facts, code: acceptance.error.code }, 'order sent')
		if (acceptance.outcome === 'accepted') {
			await setAssignmentState(database, key, 'taken', 'sent')
			await records.publish(record.id)
			return true
		}
		if (acceptance.outcome === 'unknown') return this.#waitFor(record, nodeName)
		await withdrawSent(database, key)
		const { error } = acceptance
		if (!isHostsOwn(error.code)) return this.#fail(record, error.toJSON())
		const refused = [...order.refused, { peerId, name: nodeName, reason: error.message }]
		await setOrderState(database, record.id, { ...order, refused })
		return true
	}

	/** The host may have the order, so nobody else is asked; it goes on when the host is back, or ends here. */
	async #waitFor(record: WorkloadRecord, nodeName: string): Promise<boolean> {
		if (!this.#isOverdue(record)) return false
		const sentence = `${nodeName} was asked to run this and went away before it answered. Should it come back with it, the record follows; else deploy it again.`
		return this.#fail(record, new LatticeError('INTERRUPTED', sentence, { node: nodeName }).toJSON())
	}

	async #done(record: WorkloadRecord): Promise<boolean> {
		await updateWorkload(this.#modules.database, record.id, { order: null })
		await this.#modules.records.publish(record.id)
		return false
	}

	async #fail(record: WorkloadRecord, error: WireError): Promise<boolean> {
		const { database, records, timeline } = this.#modules
		await updateWorkload(database, record.id, { order: null, failure: error })
		const about = { workloadId: record.id, commandId: record.commandId }
		await timeline.note(record.ownerId, about, 'failed', { message: error.message, error })
		await records.publish(record.id)
		return false
	}

	/** Each host deletes when it is there; those that are away keep the order waiting, without an end. */
	async #deleteStep(
		record: WorkloadRecord,
		order: { userId: string; commandId: string; volumes: boolean },
	): Promise<boolean> {
		const { fleet, commands, records, log } = this.#modules
		const holders = record.assignments.filter(({ state }) => state === 'sent' || state === 'taken')
		if (holders.length === 0) {
			await records.forget(record)
			return false
		}
		for (const { peerId, nodeName } of holders) {
			if (!fleet.isReachable(peerId)) continue
			const command = {
				kind: 'delete',
				workloadId: record.id,
				commandId: order.commandId,
				volumes: order.volumes,
			} as const
			const acceptance = await commands.order(order.userId, peerId, command)
			if (acceptance.outcome === 'accepted') continue
			if (acceptance.error.code === 'NOT_FOUND') await records.removed(record.id, peerId)
			else
				log.warn(
					{ workload: record.id, node: nodeName, code: acceptance.error.code },
					'a host did not take a delete order',
				)
		}
		return false
	}

	#isOverdue(record: WorkloadRecord): boolean {
		return record.orderSince !== null && this.#now() - record.orderSince.getTime() > GIVE_UP_MS
	}

	async #sweep(): Promise<void> {
		for (const record of await workloadsWithOrder(this.#modules.database)) this.kick(record.id)
	}
}
