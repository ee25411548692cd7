import { chmodSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type Resolution, SAMPLE_METRICS, type Sample } from '../protocol/index.ts'

export interface SampleStoreLimits {
	/** fine samples of one subject: 10 minutes at one each 5 s */
	fine: number
	/** how long minutes are kept */
	minutesMs: number
	/** of all subjects together: about 300 bytes each, so 45 MB */
	minuteRows: number
}

const LIMITS: SampleStoreLimits = { fine: 120, minutesMs: 24 * 3_600_000, minuteRows: 150_000 }
const MINUTE_MS = 60_000
const PRUNE_EVERY_MS = 10 * MINUTE_MS

interface Minute {
	start: number
	samples: Sample[]
}

/**
 * A ring of fine samples in memory, and a day of minutes in a file of their own, so that a console that was away finds
 * them. Nothing depends on them: the file is not waited for, and a damaged one is begun anew.
 */
export class SampleStore {
	readonly #limits: SampleStoreLimits
	readonly #sql: DatabaseSync
	readonly #fine = new Map<string, Sample[]>()
	readonly #open = new Map<string, Minute>()
	#pruneAt = 0

	constructor(path: string, limits: SampleStoreLimits = LIMITS) {
		this.#limits = limits
		this.#sql = openFile(path)
	}

	add(samples: readonly Sample[]): void {
		for (const sample of samples) {
			const key = keyOf(sample)
			const ring = this.#fine.get(key) ?? []
			this.#fine.set(key, ring)
			ring.push(sample)
			if (ring.length > this.#limits.fine) ring.shift()
			this.#intoMinute(key, sample)
		}
		this.#close(Date.parse(samples[0]?.at ?? ''))
	}

	/** Newer than `since`, oldest first. */
	read(resolution: Resolution, since: string | null): Sample[] {
		const after = since === null ? Number.NEGATIVE_INFINITY : Date.parse(since)
		if (resolution === 'fine') {
			const all = [...this.#fine.values()].flat().filter(({ at }) => Date.parse(at) > after)
			return all.sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
		}
		const rows = this.#sql
			.prepare('SELECT body FROM minute WHERE at > ? ORDER BY at')
			.all(Number.isFinite(after) ? after : 0) as { body: string }[]
		return rows.map(({ body }) => JSON.parse(body))
	}

	/** The last of each subject that was measured in the last half minute. */
	latest(now: number): Sample[] {
		return [...this.#fine.values()].flatMap((ring) => {
			const last = ring.at(-1)
			return last !== undefined && now - Date.parse(last.at) < MINUTE_MS / 2 ? [last] : []
		})
	}

	close(): void {
		this.#close(Number.POSITIVE_INFINITY)
		this.#sql.close()
	}

	#intoMinute(key: string, sample: Sample): void {
		const start = Math.floor(Date.parse(sample.at) / MINUTE_MS) * MINUTE_MS
		const minute = this.#open.get(key)
		if (minute?.start === start) minute.samples.push(sample)
		else {
			if (minute) this.#write(minute)
			this.#open.set(key, { start, samples: [sample] })
		}
	}

	/** Writes the minutes that are over, also of those that are sampled no more. */
	#close(now: number): void {
		for (const [key, minute] of this.#open) {
			if (minute.start + MINUTE_MS > now) continue
			this.#write(minute)
			this.#open.delete(key)
			const last = this.#fine.get(key)?.at(-1)
			if (last && now - Date.parse(last.at) > MINUTE_MS * 2) this.#fine.delete(key)
		}
		if (Number.isFinite(now) && now >= this.#pruneAt) this.#prune(now)
	}

	#write({ start, samples }: Minute): void {
		const [first] = samples
		if (!first) return
		const body = JSON.stringify(average(samples, new Date(start).toISOString()))
		this.#sql
			.prepare('INSERT OR REPLACE INTO minute (at, workload, replica, body) VALUES (?, ?, ?, ?)')
			.run(start, first.workloadId ?? '', first.replica ?? -1, body)
	}

	#prune(now: number): void {
		this.#pruneAt = now + PRUNE_EVERY_MS
		const { minutesMs, minuteRows } = this.#limits
		this.#sql.prepare('DELETE FROM minute WHERE at < ?').run(now - minutesMs)
		const { at } = (this.#sql.prepare('SELECT at FROM minute ORDER BY at DESC LIMIT 1 OFFSET ?').get(minuteRows) ?? {
			at: null,
		}) as { at: number | null }
		if (at !== null) this.#sql.prepare('DELETE FROM minute WHERE at <= ?').run(at)
	}
}

function keyOf({ workloadId, replica }: Sample): string {
	return `${workloadId ?? ''}/${replica ?? ''}`
}

/** The mean of what was measured; limits as they last were. */
export function average(samples: readonly Sample[], at: string): Sample {
	const last = samples.at(-1) as Sample
	const means = SAMPLE_METRICS.map((metric) => {
		const values = samples.map((sample) => sample[metric]).filter((value) => value !== null)
		return [metric, values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length]
	})
	return { ...last, ...Object.fromEntries(means), at }
}

function openFile(path: string): DatabaseSync {
	try {
		return prepared(path)
	} catch (error) {
		if (path === ':memory:') throw error
		for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true })
		return prepared(path)
	}
}

function prepared(path: string): DatabaseSync {
	const sql = new DatabaseSync(path)
	if (path !== ':memory:') chmodSync(path, 0o600)
	sql.exec(`
		PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
		CREATE TABLE IF NOT EXISTS minute (
			at INTEGER NOT NULL, workload TEXT NOT NULL, replica INTEGER NOT NULL, body TEXT NOT NULL,
			PRIMARY KEY (at, workload, replica)
		) STRICT, WITHOUT ROWID;`)
	return sql
}
