import type { Placement, WireError, WorkloadEvent } from '../../agent/protocol/index.ts'
import type { Database } from '../models/database.server.ts'
import { isForeignKeyViolation } from '../models/database-error.server.ts'
import { keyOf, saveEvent, timelineOf } from '../models/workload-event.server.ts'
import type { LiveBus } from './live.server.ts'

/** Byte progress reaches browsers at once and the database at most this often for one pull. */
const PROGRESS_WRITE_MS = 1_000

export interface TimelineModules {
	database: Database
	live: LiveBus
	consolePeerId: string
}

/** What happened to workloads: kept for the page's history, and told to those who look on. */
export class Timeline {
	readonly #modules: TimelineModules
	readonly #progressWritten = new Map<string, number>()
	#lastSeq = 0

	constructor(modules: TimelineModules) {
		this.#modules = modules
	}

	/** An event of a host; a repeated delivery is passed over. */
	async record(event: WorkloadEvent, ownerId: string): Promise<void> {
		if (event.progress !== null && !this.#isDue(event)) {
			this.#modules.live.publish({ type: 'event', event }, ownerId)
			return
		}
		if (await this.#save(event)) this.#modules.live.publish({ type: 'event', event }, ownerId)
	}

	/** An event of the console itself, before any host has the order or when none took it. */
	async note(
		ownerId: string,
		about: { workloadId: string; commandId: string | null },
		phase: 'accepted' | 'placed' | 'failed',
		detail: { message?: string; placement?: Placement; error?: WireError } = {},
	): Promise<void> {
		// Rises also when two events fall into one millisecond, and across restarts.
		this.#lastSeq = Math.max(this.#lastSeq + 1, Date.now() * 1000)
		const event: WorkloadEvent = {
			...about,
			seq: this.#lastSeq,
			at: new Date().toISOString(),
			node: this.#modules.consolePeerId,
			replica: null,
			phase,
			message: detail.message ?? null,
			progress: null,
			placement: detail.placement ?? null,
			error: detail.error ?? null,
		}
		await this.record(event, ownerId)
	}

	/** History, then what happens from now on, until the signal. */
	async *follow(workloadId: string, signal: AbortSignal): AsyncIterable<WorkloadEvent> {
		const following = this.#modules.live.timeline(workloadId, signal)
		const seen = new Set<string>()
		for (const event of await this.history(workloadId)) {
			if (event.progress === null) seen.add(keyOf(event))
			yield event
		}
		for await (const event of following) if (!seen.has(keyOf(event))) yield event
	}

	async history(workloadId: string): Promise<WorkloadEvent[]> {
		return timelineOf(this.#modules.database, workloadId)
	}

	async #save(event: WorkloadEvent): Promise<boolean> {
		try {
			return await saveEvent(this.#modules.database, event)
		} catch (error) {
			// The workload was deleted, or this console never learned of it: nobody looks at its timeline.
			if (isForeignKeyViolation(error)) return false
			throw error
		}
	}

	#isDue(event: WorkloadEvent): boolean {
		const key = `${event.workloadId}:${keyOf(event)}`
		const now = Date.now()
		const done = event.progress?.percent === 100
		if (!done && now - (this.#progressWritten.get(key) ?? 0) < PROGRESS_WRITE_MS) return false
		if (done) this.#progressWritten.delete(key)
		else this.#progressWritten.set(key, now)
		return true
	}
}
