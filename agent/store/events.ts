import { WorkloadEvent } from '../protocol/index.ts'
import type { Database } from './database.ts'

/** Events kept for each workload; the timeline of a page needs the newest deployment, not all of history. */
const KEEP_PER_WORKLOAD = 200

/** The durable timeline of workloads on this host. Pull progress is announced live and not stored: it is soft. */
export class Events {
	readonly #db: Database
	readonly #node: string
	readonly #now: () => number

	constructor(db: Database, node: string, now: () => number = Date.now) {
		this.#db = db
		this.#node = node
		this.#now = now
	}

	/** Stores and returns the event with its sequence number. */
	append(event: Omit<WorkloadEvent, 'seq' | 'at' | 'node'>): WorkloadEvent {
		const whole = { ...event, seq: 0, at: new Date(this.#now()).toISOString(), node: this.#node }
		const { lastInsertRowid } = this.#db
			.prepare('INSERT INTO event (workload_id, body) VALUES (?, ?)')
			.run(event.workloadId, JSON.stringify(whole))
		this.#db
			.prepare(
				`DELETE FROM event WHERE workload_id = ? AND seq <= (
					SELECT seq FROM event WHERE workload_id = ? ORDER BY seq DESC LIMIT 1 OFFSET ?)`,
			)
			.run(event.workloadId, event.workloadId, KEEP_PER_WORKLOAD)
		return { ...whole, seq: Number(lastInsertRowid) }
	}

	/** An event for those who listen now, with the number of the last stored one. */
	transient(event: Omit<WorkloadEvent, 'seq' | 'at' | 'node'>): WorkloadEvent {
		const { seq } = this.#db.prepare('SELECT COALESCE(MAX(seq), 0) AS seq FROM event').get() as { seq: number }
		return { ...event, seq, at: new Date(this.#now()).toISOString(), node: this.#node }
	}

	of(workloadId: string): WorkloadEvent[] {
		const rows = this.#db.prepare('SELECT seq, body FROM event WHERE workload_id = ? ORDER BY seq').all(workloadId) as {
			seq: number
			body: string
		}[]
		return rows.map((row) => WorkloadEvent.parse({ ...JSON.parse(row.body), seq: row.seq }))
	}
}
