import { CLOCK_LEEWAY_S, type NodeView, type Workload } from '../../agent/protocol/index.ts'
import type { Database } from '../models/database.server.ts'
import {
	countAlive,
	findWorkloads,
	listWorkloads,
	type WorkloadRecord,
	workloadStamps,
} from '../models/workload.server.ts'
import { type Hosts, viewOf } from './workload-view.server.ts'

/** Rows that changed this long before the newest one seen are compared again: other consoles have clocks of their own. */
const OVERLAP_MS = CLOCK_LEEWAY_S * 1000

interface Entry {
	record: WorkloadRecord
	stamp: string
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
	/** newest change seen, in milliseconds since the epoch; 0: nothing was read yet */
	#newest = 0
	#running: Promise<void> | null = null
	#next: Promise<void> | null = null

	constructor(modules: WorkloadIndexModules) {
		this.#modules = modules
	}

	/** Newest first; of everybody when `ownerId` is null. Everything that was committed before the call is in it. */
	async views(ownerId: string | null): Promise<Workload[]> {
		await this.#refresh()
		const fleet = this.#fleetNow()
		const views: Workload[] = []
		for (const entry of this.#entries.values()) {
			if (ownerId !== null && entry.record.ownerId !== ownerId) continue
			if (entry.fleet !== fleet) {
				entry.view = viewOf(entry.record, this.#modules.fleet)
				entry.fleet = fleet
			}
			views.push(entry.view)
		}
		return views.sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0))
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
		if (this.#newest === 0) return this.#readAll()
		const stamps = await workloadStamps(database, new Date(this.#newest - OVERLAP_MS))
		const changed = stamps.filter(({ id, stamp }) => this.#entries.get(id)?.stamp !== stamp)
		const records = await findWorkloads(
			database,
			changed.map(({ id }) => id),
		)
		const found = new Map(records.map((record) => [record.id, record]))
		for (const { id, stamp, at } of changed) this.#keep(id, stamp, at, found.get(id))
		// Rows that are gone for good leave no stamp.
		if ((await countAlive(database)) !== this.#entries.size) await this.#readAll()
	}

	async #readAll(): Promise<void> {
		const { database } = this.#modules
		const stamps = new Map((await workloadStamps(database, new Date(0))).map((each) => [each.id, each]))
		const records = await listWorkloads(database, null)
		this.#entries.clear()
		for (const record of records) {
			const { stamp = '', at = 0 } = stamps.get(record.id) ?? {}
			this.#keep(record.id, stamp, at, record)
		}
		this.#newest = Math.max(this.#newest, 1)
	}

	#keep(id: string, stamp: string, at: number, record: WorkloadRecord | undefined): void {
		this.#newest = Math.max(this.#newest, at)
		if (record === undefined || record.deletedAt !== null) this.#entries.delete(id)
		else this.#entries.set(id, { record, stamp, view: viewOf(record, this.#modules.fleet), fleet: this.#fleetNow() })
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
