import { peekClaim, ReportProofs, type Trust } from '../../agent/identity/index.ts'
import { LatticeError, type WatchFrame, type WorkloadEvent, type WorkloadReport } from '../../agent/protocol/index.ts'
import { isOrderedFirst } from '../../agent/scheduler/decisions.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { saveReport, setAssignmentState, withdrawSent } from '../models/assignment.server.ts'
import type { Database } from '../models/database.server.ts'
import { findUser } from '../models/user.server.ts'
import {
	createWorkload,
	findByHeldName,
	findWorkload,
	ownerOf,
	updateWorkload,
	type WorkloadRecord,
	workloadsOnHost,
} from '../models/workload.server.ts'
import type { CredentialStore } from './credentials.server.ts'
import { deletedData } from './deleted-data.ts'
import { KeyedQueue } from './keyed-queue.server.ts'
import type { LiveBus } from './live.server.ts'
import type { MissedEvents } from './missed-events.server.ts'
import type { Timeline } from './timeline.server.ts'
import { withoutNul } from './without-nul.server.ts'
import { viewOf } from './workload-view.server.ts'

export interface RecordsModules {
	database: Database
	trust: Trust
	fleet: Pick<Fleet, 'isCurrent' | 'isReachable' | 'view' | 'routes' | 'routedBy'>
	credentials: CredentialStore
	timeline: Timeline
	missed: MissedEvents
	live: LiveBus
	/** an order of this workload may go on */
	resume: (workloadId: string) => void
	log: {
		info(facts: object, message: string): void
		warn(facts: object, message: string): void
		error(facts: object, message: string): void
	}
}

/**
 * Makes the records follow what hosts say. A host speaks for its own containers only; nothing here guesses. Changes of
 * one workload are applied one after the other.
 */
export class Records {
	readonly #modules: RecordsModules
	readonly #deletions = new Map<string, boolean | null>()
	readonly #queue = new KeyedQueue()
	readonly #proofs: ReportProofs
	readonly #waiting = new Map<string, Set<() => void>>()

	constructor(modules: RecordsModules) {
		this.#modules = modules
		this.#proofs = new ReportProofs(modules.trust)
	}

	/**
	 * Fails only when the database is away: then the host is watched afresh, from a whole snapshot. A frame that cannot
	 * be applied for any other reason would come again and again; it is logged and passed over.
	 */
	async onFrame(peerId: string, frame: WatchFrame): Promise<void> {
		try {
			await this.#apply(peerId, withoutNul(frame))
		} catch (error) {
			if (LatticeError.from(error).code === 'DATABASE_UNAVAILABLE') throw error
			this.#modules.log.error({ peer: peerId, frame: frame.type, err: error }, 'a frame of a host could not be applied')
		}
	}

	async #apply(peerId: string, frame: WatchFrame): Promise<void> {
		switch (frame.type) {
			case 'report':
				if (frame.report.node.peerId !== peerId) return this.#refuseForeign(peerId, frame.report.id)
				return this.#queue.run(frame.report.id, () => this.#applyReport(frame.report))
			case 'removed':
				return this.#queue.run(frame.workloadId, () => this.removed(frame.workloadId, peerId))
			case 'event':
				if (frame.event.node !== peerId) return this.#refuseForeign(peerId, frame.event.workloadId)
				return this.#queue.run(frame.event.workloadId, () => this.#applyEvent(frame.event))
			case 'routes':
				return this.#queue.run(frame.workloadId, () => this.publish(frame.workloadId))
			case 'node':
			case 'synced':
				return
		}
	}

	/** What this host holds by the records and did not name in its snapshot, it does not hold. */
	async onSynced(peerId: string, held: ReadonlySet<string>): Promise<void> {
		const { database, resume, log } = this.#modules
		for (const record of await workloadsOnHost(database, peerId)) {
			const assignment = record.assignments.find((each) => each.peerId === peerId)
			if (assignment === undefined || held.has(record.id)) continue
			const key = { workloadId: record.id, peerId }
			if (assignment.state === 'taken') {
				log.warn({ workload: record.id, peer: peerId }, 'a host no longer knows a workload that it had')
				await setAssignmentState(database, key, 'lost')
				await this.publish(record.id)
			} else if (assignment.state === 'sent' && record.order === null) {
				// The order was given up; now it is sure that it left nothing behind.
				await withdrawSent(database, key)
				await this.publish(record.id)
			}
			if (record.order !== null) resume(record.id)
		}
		this.#modules.missed.catchUp(peerId)
	}

	/** The host was lost or came back: what is shown of its workloads changes with it. */
	async onHostChanged(peerId: string): Promise<void> {
		const held = await workloadsOnHost(this.#modules.database, peerId)
		for (const record of held) await this.#tell(record)
		// A gateway: the ways that it gave are gone, or there again.
		const told = new Set(held.map(({ id }) => id))
		for (const id of this.#modules.fleet.routedBy(peerId)) if (!told.has(id)) await this.publish(id)
	}

	/** The host is no member any more: what it holds is out of everybody's reach. */
	async lost(peerId: string): Promise<void> {
		const { database } = this.#modules
		for (const { id } of await workloadsOnHost(database, peerId)) {
			await this.#queue.run(id, async () => {
				await setAssignmentState(database, { workloadId: id, peerId }, 'lost')
				await this.publish(id)
			})
		}
	}

	/** This host has deleted the workload; with the last one the record goes too. */
	async removed(workloadId: string, peerId: string): Promise<void> {
		const { database } = this.#modules
		const before = await findWorkload(database, workloadId)
		const assignment = before?.assignments.find((each) => each.peerId === peerId)
		// Tombstones come with every snapshot; most are old news.
		if (!before || before.deletedAt !== null || !assignment || assignment.state === 'removed') return
		await setAssignmentState(database, { workloadId, peerId }, 'removed')
		const isLast = before.assignments.every((each) => each.peerId === peerId || each.state === 'removed')
		if (isLast) await this.forget(before)
		else await this.publish(workloadId)
	}

	/** Nothing of it is left anywhere: its name is free. The row stays a while, for repeated command ids. */
	async forget(record: WorkloadRecord, data = deletedData(record, this.#volumesOf(record))): Promise<void> {
		const { database, live, credentials } = this.#modules
		await updateWorkload(database, record.id, { deletedAt: new Date(), order: null })
		credentials.forget(record.id)
		this.#deletions.delete(record.id)
		live.publish({ type: 'removed', workloadId: record.id, data }, record.ownerId)
	}

	/** Whether the volumes are to go too; null: it is not known any more. For who is told of the end, by this console only. */
	noteDeletion(id: string, volumes: boolean | null): void {
		const known = this.#deletions.get(id)
		this.#deletions.set(id, known === undefined || known === volumes ? volumes : null)
	}

	#volumesOf({ id, order }: WorkloadRecord): boolean | null {
		return order?.kind === 'delete' ? order.volumes : (this.#deletions.get(id) ?? null)
	}

	/** Tells everybody who may see it how the workload stands now. */
	async publish(workloadId: string): Promise<void> {
		const record = await findWorkload(this.#modules.database, workloadId)
		if (record !== null && record.deletedAt === null) await this.#tell(record)
	}

	/** Resolves with the next report on this workload, or when the time is over: so that an answer shows what an order did. */
	async nextReport(workloadId: string, timeoutMs: number): Promise<void> {
		const waiting = this.#waiting.get(workloadId) ?? new Set()
		this.#waiting.set(workloadId, waiting)
		const { promise, resolve } = Promise.withResolvers<void>()
		const timer = setTimeout(resolve, timeoutMs)
		waiting.add(resolve)
		await promise
		clearTimeout(timer)
		waiting.delete(resolve)
		if (waiting.size === 0) this.#waiting.delete(workloadId)
	}

	async #tell(record: WorkloadRecord): Promise<void> {
		const { live, fleet } = this.#modules
		live.publish({ type: 'workload', workload: viewOf(record, fleet) }, record.ownerId)
	}

	async #applyReport(report: WorkloadReport): Promise<void> {
		const { database } = this.#modules
		try {
			await this.#proofs.check(report)
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			if (error.code !== 'CLAIM_INVALID') throw thrown
			return this.#warnOfClaim(report, error)
		}
		const known = await findWorkload(database, report.id)
		if (known === null) {
			if (!(await this.#adopt(report))) return
		} else if (known.deletedAt !== null) {
			const assignment = known.assignments.find((each) => each.peerId === report.node.peerId)
			if (assignment?.state === 'removed' && assignment.revision >= report.revision) return
			await this.#holdName(known.ownerId, known.name, known.id, known.createdAt)
			await updateWorkload(database, known.id, { deletedAt: null })
		}
		if (!(await saveReport(database, report))) return
		const { peerId } = report.node
		// News in a snapshot: events of it were told to nobody.
		if (!this.#modules.fleet.isReachable(peerId)) this.#modules.missed.changed(peerId, report.id)
		const record = await this.#settle(report)
		for (const wake of this.#waiting.get(report.id) ?? []) wake()
		if (record === null) return
		await this.#tell(record)
		// In the background: a host that is slow to give them must not hold up its reports.
		void this.#modules.credentials.follow(record).catch((error: unknown) => {
			this.#modules.log.warn({ workload: record.id, err: error }, 'credentials could not be kept')
		})
	}

	/** The host holds it: an order or a failure of the console's own is answered by that. */
	async #settle(report: WorkloadReport): Promise<WorkloadRecord | null> {
		const { database } = this.#modules
		const record = await findWorkload(database, report.id)
		if (record === null) return null
		const given = new Set(
			record.assignments.filter(({ state }) => state === 'taken').flatMap((assignment) => assignment.ordered),
		)
		const isComplete = given.size >= record.replicas
		const isPlacing = record.order?.kind === 'deploy' || record.order?.kind === 'claimed'
		const isNewer = report.generation > record.generation || wasOrderedFirst(report, record)
		const change = {
			...(isNewer && {
				generation: report.generation,
				config: report.config,
				placement: report.placement,
				replicas: Math.max(1, report.placement.chosen.length),
			}),
			...(record.placement === null && { placement: report.placement }),
			...(record.order === null &&
				(isNewerClaim(report.claim, record.claim) || wasOrderedFirst(report, record)) && { claim: report.claim }),
			...(isPlacing && isComplete && { order: null }),
			...(record.failure !== null && isComplete && { failure: null }),
		}
		if (Object.keys(change).length === 0) return record
		await updateWorkload(database, report.id, change)
		return findWorkload(database, report.id)
	}

	/** A workload that an agent took while this console was away. Its claim says whose it is; a host cannot invent that. */
	async #adopt(report: WorkloadReport): Promise<boolean> {
		const { database, log } = this.#modules
		const { owner, name, commandId, claim } = report
		if ((await findUser(database, owner)) === null) {
			log.warn({ workload: report.id, owner }, 'a workload of an account that this database does not know')
			return false
		}
		const createdAt = new Date(report.createdAt)
		const adopted = {
			id: report.id,
			ownerId: owner,
			name: await this.#holdName(owner, name, report.id, createdAt),
			type: report.type,
			config: report.config,
			commandId,
			claim,
			generation: report.generation,
			replicas: Math.max(1, report.placement.chosen.length),
			placement: report.placement,
			createdAt,
		}
		const created =
			(await createWorkload(database, adopted)) ??
			(await findWorkload(database, report.id)) ??
			// The owner gave one command id to two orders on both sides of a partition; the earlier record keeps it.
			(await createWorkload(database, { ...adopted, commandId: otherName(commandId, report.id) }))
		if (created === null) throw new LatticeError('INTERNAL', `The record of ${report.id} could not be made.`)
		log.info({ workload: report.id, node: report.node.name }, 'adopted a workload from its host')
		return true
	}

	#warnOfClaim({ id, node }: WorkloadReport, { code, message }: LatticeError): void {
		this.#modules.log.warn({ workload: id, peer: node.peerId, code, reason: message }, 'a report without a valid claim')
	}

	/** Two claims on one name after a partition: the older keeps it, the other is renamed. Nothing is removed by that. */
	async #holdName(ownerId: string, name: string, id: string, createdAt: Date): Promise<string> {
		const { database } = this.#modules
		const holder = await findByHeldName(database, ownerId, name)
		if (holder === null || holder.id === id) return name
		if (holder.createdAt <= createdAt) return otherName(name, id)
		await updateWorkload(database, holder.id, { name: otherName(name, holder.id) })
		await this.publish(holder.id)
		return name
	}

	async #applyEvent(event: WorkloadEvent): Promise<void> {
		const ownerId = await ownerOf(this.#modules.database, event.workloadId)
		if (ownerId !== null) await this.#modules.timeline.record(event, ownerId)
	}

	async #refuseForeign(peerId: string, workloadId: string): Promise<void> {
		this.#modules.log.warn({ peer: peerId, workload: workloadId }, 'a host spoke for another; passed over')
	}
}

/** Decided by a steward while this console was away, or by this console and never recorded. */
function isNewerClaim(reported: string, recorded: string): boolean {
	if (reported === recorded) return false
	return recorded === '' || peekClaim(reported).generation > peekClaim(recorded).generation
}

/** Both sides of a partition carried out this order; the host of the later one gives up what this one has. */
function wasOrderedFirst(report: WorkloadReport, { generation, claim, placement }: WorkloadRecord): boolean {
	if (report.generation !== generation || claim === '' || placement === null) return false
	const puts = new Map(placement.chosen.map(({ replica, node }) => [replica, node.peerId]))
	const isDoubled = report.replicas.some(({ index }) => (puts.get(index) ?? report.node.peerId) !== report.node.peerId)
	return isDoubled && isOrderedFirst(peekClaim(report.claim), peekClaim(claim))
}

/** `name-xxxx` within the 40 characters of a name. */
function otherName(name: string, id: string): string {
	return `${name.slice(0, 35)}-${id.slice(-4)}`
}
