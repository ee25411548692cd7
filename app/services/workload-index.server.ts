import type { NodeView, Workload } from '../../agent/protocol/index.ts'
import type { Database } from '../models/database.server.ts'
import { findWorkloads, listWorkloads, type WorkloadRecord, workloadChanges } from '../models/workload.server.ts'
import { type Hosts, viewOf } from './workload-view.server.ts'

interface Entry {
	record: WorkloadRecord
	view: Workload
	/** what was known of the hosts when `view` was made */
	fleet: string
}

export interface WorkloadIndexModules {
	database: Database
	fleet: Hosts & { views(): NodeView[]; readonly routesVersion: number }
}

/**
 * The workloads of all owners as API callers see them, kept between requests: a page of a thousand costs one small query
 * for what has changed. The database stays the truth, also for what another console wrote.
 */
export class WorkloadIndex {
	readonly #modules: WorkloadIndexModules
	readonly #entries = new Map<string, Entry>()
	/** answers that hold until an entry or the fleet changes, by owner */
	readonly #lists = new Map<string | null, { fleet: string; views: readonly Workload[] }>()
	/** everything that was committed before it is in the entries; null: nothing was read yet */
	#mark: string | null = null
	/** the start of the database server that the mark is of */
	#server = ''
	#running: Promise<void> | null = null
	#next: Promise<void> | null = null

	constructor(modules: WorkloadIndexModules) {
		this.#modules = modules
	}

	/** Newest first; of everybody when `ownerId` is null. Everything that was committed before the call is in it. */
	async views(ownerId: string | null): Promise<readonly Workload[]> {
		await this.#refresh()
		const fleet = this.#fleetNow()
		const known = this.#lists.get(ownerId)
		if (known?.fleet === fleet) return known.views
		const views: Workload[] = []
		for (const entry of this.#entries.values()) {
			if (ownerId !== null && entry.record.ownerId !== ownerId) continue
			if (entry.fleet !== fleet) {
				entry.view = viewOf(entry.record, this.#modules.fleet)
				entry.fleet = fleet
			}
			views.push(entry.view)
		}
		views.sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0))
		this.#lists.set(ownerId, { fleet, views })
		return views
	}

	/** Those who ask while a reading is under way share the next one: the one under way may be too old for them. */
	#refresh(): Promise<void> {
		if (this.#running === null) {
			this.#running = this.#read().finally(() => {
				this.#running = null
			})
			return this.#running
		}
		this.#next ??= this.#running
			.catch(() => undefined)
			.then(() => {
				this.#next = null
				return this.#refresh()
			})
		return this.#next
	}

	async #read(): Promise<void> {
		const { database } = this.#modules
		const { mark, server, ids, ...counts } = await workloadChanges(database, this.#mark)
		if (this.#mark === null || server !== this.#server) await this.#readAll()
		else {
			const found = new Map((await findWorkloads(database, ids)).map((record) => [record.id, record]))
			for (const id of ids) this.#keep(id, found.get(id))
			if (!this.#has(counts)) await this.#readAll()
		}
		// only now: what a failed reading missed is asked for again
		this.#mark = mark
		this.#server = server
	}

	/** Rows that were deleted are noticed by their number. */
	#has({ alive, assigned }: { alive: number; assigned: number }): boolean {
		let own = 0
		for (const { record } of this.#entries.values()) own += record.assignments.length
		return alive === this.#entries.size && assigned === own
	}

	async #readAll(): Promise<void> {
		const records = await listWorkloads(this.#modules.database, null)
		this.#lists.clear()
		this.#entries.clear()
		for (const record of records) this.#keep(record.id, record)
	}

	#keep(id: string, record: WorkloadRecord | undefined): void {
		this.#lists.clear()
		if (record === undefined || record.deletedAt !== null) this.#entries.delete(id)
		else this.#entries.set(id, { record, view: viewOf(record, this.#modules.fleet), fleet: this.#fleetNow() })
	}

	/** Everything that a view takes from the fleet; equal when no view would change. */
	#fleetNow(): string {
		const { fleet } = this.#modules
		const hosts = fleet
			.views()
			.map(({ status, liveness, lastSeenAt }) =>
				fleet.isCurrent(status.peerId) ? status.peerId : `${status.peerId}:${liveness}:${lastSeenAt}`,
			)
		return `${fleet.routesVersion} ${hosts.join(' ')}`
	}
}
