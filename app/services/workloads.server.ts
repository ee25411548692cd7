import { canonicalJson, workloadIdOf } from '../../agent/identity/index.ts'
import {
	LatticeError,
	type Placement,
	type Probed,
	parseInput,
	type Workload,
	type WorkloadId,
	type WorkloadName,
} from '../../agent/protocol/index.ts'
import { templateOf } from '../../agent/templates/catalogue.ts'
import { domainsOf, refuseTakenDomains } from '../../agent/templates/domains.ts'
import type { Template } from '../../agent/templates/template.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Database } from '../models/database.server.ts'
import { newCommandId } from '../models/ids.server.ts'
import { findUser } from '../models/user.server.ts'
import {
	createWorkload,
	findByCommand,
	findWorkload,
	listWorkloads,
	type PendingOrder,
	type WorkloadRecord,
} from '../models/workload.server.ts'
import { userView } from './accounts.server.ts'
import type { AuditTrail } from './audit.server.ts'
import type { CredentialStore } from './credentials.server.ts'
import { maskedConfig } from './masked-config.ts'
import type { Orders } from './orders.server.ts'
import { decide } from './placing.server.ts'
import type { Records } from './records.server.ts'
import type { Actor, WorkloadDetail, WorkloadPage, WorkloadPageQuery, WorkloadQuery, Workloads } from './services.ts'
import type { Timeline } from './timeline.server.ts'
import type { WorkloadChanges } from './workload-changes.server.ts'
import type { WorkloadIndex } from './workload-index.server.ts'
import {
	ChangeInput,
	DeleteInput,
	DeployInput,
	DryRunInput,
	IdInput,
	LogsInput,
	ProbeInput,
	QueryInput,
	ScaleInput,
} from './workload-inputs.ts'
import { pageOf } from './workload-page.ts'
import type { WorkloadReads } from './workload-reads.server.ts'
import { maySee, notFound, viewOf } from './workload-view.server.ts'

export interface WorkloadsModules {
	database: Database
	fleet: Pick<Fleet, 'peerId' | 'views' | 'view' | 'isCurrent' | 'isReachable' | 'routes' | 'routesVersion'>
	credentials: CredentialStore
	timeline: Timeline
	records: Records
	orders: Orders
	changes: WorkloadChanges
	reads: WorkloadReads
	index: WorkloadIndex
	audit: AuditTrail
}

/** Who orders, and the reservation that the order needs. */
export interface NewOrder {
	ownerId: string
	name: WorkloadName
	type: string
	config: unknown
	commandId: string
	order: PendingOrder
}

/** The use cases of workloads: rights, inputs and the audit line here; the work in the modules. */
export class WorkloadService implements Workloads {
	readonly #modules: WorkloadsModules

	constructor(modules: WorkloadsModules) {
		this.#modules = modules
	}

	async list(actor: Actor, query: WorkloadQuery = {}): Promise<Workload[]> {
		const { status, search } = parseInput(QueryInput, query)
		return (await this.#visible(actor))
			.filter(({ name, type }) => search === undefined || `${name} ${type}`.includes(search.trim().toLowerCase()))
			.filter((workload) => status === undefined || workload.status === status)
	}

	async page(actor: Actor, query: WorkloadPageQuery): Promise<WorkloadPage> {
		return pageOf(await this.#visible(actor), query)
	}

	#visible(actor: Actor): Promise<readonly Workload[]> {
		return this.#modules.index.views(actor.role === 'member' ? actor.userId : null)
	}

	async get(actor: Actor, input: unknown): Promise<Workload> {
		return this.#whole(actor, await this.#find(actor, parseInput(IdInput, input).id))
	}

	async detail(actor: Actor, input: unknown): Promise<WorkloadDetail> {
		const { database, timeline } = this.#modules
		const record = await this.#find(actor, parseInput(IdInput, input).id)
		const [workload, events, owner] = await Promise.all([
			this.#whole(actor, record),
			timeline.history(record.id),
			findUser(database, record.ownerId),
		])
		if (owner === null) throw notFound(record.id)
		const config = actor.userId === record.ownerId ? record.config : maskedConfig(record.config)
		const { placement } = record
		return { workload, config, events, placement, owner: userView(owner) }
	}

	async deploy(actor: Actor, input: unknown): Promise<Workload> {
		const { orders, audit } = this.#modules
		const { name, type, config, commandId = newCommandId() } = parseInput(DeployInput, input)
		const template: Template = templateOf(type)
		const checked = parseInput(template.schema, config, ['config'])
		const entry = {
			actor: actor.userId,
			via: actor.via,
			action: 'workload.deploy',
			subject: name,
			facts: { type, commandId },
		}
		const record = await audit.around(entry, () =>
			this.reserve({
				ownerId: actor.userId,
				name,
				type,
				config: checked,
				commandId,
				order: { kind: 'deploy', refused: [] },
			}),
		)
		if (record.order !== null) orders.kick(record.id)
		return this.#whole(actor, record)
	}

	/**
	 * The record is the claim on the name. The same command id gets the first order's record again; another one on a
	 * held name is NAME_TAKEN.
	 */
	async reserve(order: NewOrder): Promise<WorkloadRecord> {
		const { database, timeline, records } = this.#modules
		const { ownerId, name, type, config, commandId } = order
		const template: Template = templateOf(type)
		const { replicas } = template.requirements(config)
		const workloadId = workloadIdOf(ownerId, commandId)
		if (domainsOf({ type, config }).length > 0) {
			const earlier = await findByCommand(database, ownerId, commandId)
			if (earlier !== null) return sameOrder(earlier, order)
			refuseTakenDomains({ id: workloadId, type, config }, await listWorkloads(database, null))
		}
		const record = await createWorkload(database, {
			id: workloadId,
			ownerId,
			name,
			type,
			config,
			commandId,
			// Signed when it is decided who runs it.
			claim: '',
			replicas,
			order: order.order,
		})
		if (record === null) {
			const first = await findByCommand(database, ownerId, commandId)
			if (first !== null) return sameOrder(first, order)
			throw new LatticeError(
				'NAME_TAKEN',
				`You already have a workload named ${name}; choose another name or delete that one first.`,
				{ name },
			)
		}
		await Promise.all([timeline.note(ownerId, { workloadId, commandId }, 'accepted'), records.publish(workloadId)])
		return record
	}

	async dryRun(actor: Actor, input: unknown): Promise<Placement> {
		const { fleet } = this.#modules
		const { type, config } = parseInput(DryRunInput, input)
		const template: Template = templateOf(type)
		const checked = parseInput(template.schema, config, ['config'])
		const replicas = Array.from({ length: template.requirements(checked).replicas }, (_, index) => index)
		const draft = { id: workloadIdOf(actor.userId, newCommandId()), ownerId: actor.userId, type, config: checked }
		return decide(draft, replicas, { nodes: fleet.views(), refused: [], by: fleet.peerId, now: new Date() })
	}

	async start(actor: Actor, input: unknown): Promise<Workload> {
		const { id, commandId = newCommandId() } = parseInput(ChangeInput, input)
		return this.#change(actor, id, 'workload.start', (record) => this.#modules.changes.start(actor, record, commandId))
	}

	async stop(actor: Actor, input: unknown): Promise<Workload> {
		const { id, commandId = newCommandId() } = parseInput(ChangeInput, input)
		return this.#change(actor, id, 'workload.stop', (record) => this.#modules.changes.stop(actor, record, commandId))
	}

	async restart(actor: Actor, input: unknown): Promise<Workload> {
		const { id, commandId = newCommandId() } = parseInput(ChangeInput, input)
		return this.#change(actor, id, 'workload.restart', (record) =>
			this.#modules.changes.restart(actor, record, commandId),
		)
	}

	async delete(actor: Actor, input: unknown): Promise<Workload> {
		const order = parseInput(DeleteInput, input)
		return this.#change(actor, order.id, 'workload.delete', (record) =>
			this.#modules.changes.delete(actor, record, order),
		)
	}

	async scale(actor: Actor, input: unknown): Promise<Workload> {
		const order = parseInput(ScaleInput, input)
		return this.#change(actor, order.id, 'workload.scale', (record) =>
			this.#modules.changes.scale(actor, record, order),
		)
	}

	async probe(actor: Actor, input: unknown): Promise<Probed> {
		const { id, url } = parseInput(ProbeInput, input)
		return this.#modules.reads.probe(actor, await this.#find(actor, id), url)
	}

	async logs(actor: Actor, input: unknown) {
		const query = parseInput(LogsInput, input)
		const record = await this.#find(actor, query.id)
		return { lines: await this.#modules.reads.logs(actor, record, query) }
	}

	async *allLogs(actor: Actor, input: unknown, signal: AbortSignal) {
		const record = await this.#find(actor, parseInput(IdInput, input).id)
		yield* this.#modules.reads.allLogs(actor, record, signal)
	}

	async *followLogs(actor: Actor, input: unknown, signal: AbortSignal) {
		const query = parseInput(LogsInput, input)
		const record = await this.#find(actor, query.id)
		yield* this.#modules.reads.followLogs(actor, record, query, signal)
	}

	async *stats(actor: Actor, input: unknown, signal: AbortSignal) {
		const record = await this.#find(actor, parseInput(IdInput, input).id)
		yield* this.#modules.reads.stats(actor, record, signal)
	}

	async explain(actor: Actor, input: unknown) {
		const { placement } = await this.#find(actor, parseInput(IdInput, input).id)
		const { chosen = [], candidates = [], rejected = [] } = placement ?? {}
		return { chosen, candidates, rejected }
	}

	async *followEvents(actor: Actor, input: unknown, signal: AbortSignal) {
		const record = await this.#find(actor, parseInput(IdInput, input).id)
		yield* this.#modules.timeline.follow(record.id, signal)
	}

	async #change(
		actor: Actor,
		id: WorkloadId,
		action: string,
		change: (record: WorkloadRecord) => Promise<void>,
	): Promise<Workload> {
		const { audit, database, fleet } = this.#modules
		const record = await this.#find(actor, id)
		const entry = { actor: actor.userId, via: actor.via, action, subject: id, facts: { name: record.name } }
		await audit.around(entry, () => change(record))
		return viewOf((await findWorkload(database, id)) ?? { ...record, deletedAt: new Date() }, fleet)
	}

	async #find(actor: Actor, id: WorkloadId): Promise<WorkloadRecord> {
		const record = await findWorkload(this.#modules.database, id)
		if (record === null || record.deletedAt !== null || !maySee(actor, record.ownerId)) throw notFound(id)
		return record
	}

	/** Credentials are the owner's alone, whatever the role of who looks. */
	async #whole(actor: Actor, record: WorkloadRecord): Promise<Workload> {
		const { credentials, fleet } = this.#modules
		return viewOf(record, fleet, actor.userId === record.ownerId ? await credentials.of(record) : null)
	}
}

function sameOrder(earlier: WorkloadRecord, order: NewOrder): WorkloadRecord {
	const same =
		earlier.name === order.name &&
		earlier.type === order.type &&
		canonicalJson(earlier.config) === canonicalJson(order.config)
	if (same) return earlier
	throw new LatticeError(
		'COMMAND_MISMATCH',
		'This command id was used for another order; give each order an id of its own.',
		{ commandId: order.commandId },
	)
}
