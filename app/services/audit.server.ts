import { createHash } from 'node:crypto'
import { z } from 'zod'
import { canonicalJson } from '../../agent/identity/index.ts'
import { LatticeError, parseInput } from '../../agent/protocol/index.ts'
import { type AuditRow, appendAudit, auditAfter, lastAudit, newestAudit } from '../models/audit.server.ts'
import type { Database } from '../models/database.server.ts'
import type { Actor, Audit } from './services.ts'

/** What the first row follows. */
const GENESIS = '0'.repeat(64)
const PAGE = 1000

export interface AuditEntry {
	/** user id, peer id, or 'console' */
	actor: string
	via: string
	action: string
	subject: string
	/** 'ok' or an error code */
	outcome: string
	/** never a secret */
	facts?: Record<string, unknown>
}

export type Verification = { intact: true; rows: number } | { intact: false; brokenAt: bigint; reason: string }

/** The trail of who did what: each row carries the hash of the row before, so a change in the middle shows. */
export class AuditTrail implements Audit {
	readonly #database: Database
	readonly #now: () => Date
	/** Rows of this console wait for each other; another console is met by trying again. */
	#tail: Promise<void> = Promise.resolve()

	constructor(database: Database, now: () => Date = () => new Date()) {
		this.#database = database
		this.#now = now
	}

	/** The row is in the database when this resolves. */
	record(entry: AuditEntry): Promise<void> {
		const written = this.#tail.then(() => this.#append(entry))
		this.#tail = written.catch(() => undefined)
		return written
	}

	/** Records the outcome of some work, good or bad, and passes it on. */
	async around<T>(entry: Omit<AuditEntry, 'outcome'>, work: () => Promise<T>): Promise<T> {
		try {
			const result = await work()
			await this.record({ ...entry, outcome: 'ok' })
			return result
		} catch (error) {
			await this.record({ ...entry, outcome: LatticeError.from(error).code })
			throw error
		}
	}

	async list(actor: Actor, input: { subject?: string; limit?: number }) {
		const { subject, limit } = parseInput(ListInput, input)
		const seesAll = actor.role !== 'member'
		const rows = await newestAudit(this.#database, { subject, actor: seesAll ? undefined : actor.userId, limit })
		return rows.map(({ at, ...row }) => ({
			at: at.toISOString(),
			actor: row.actor,
			action: row.action,
			subject: row.subject,
			outcome: row.outcome,
		}))
	}

	/** Walks the whole chain. */
	async verify(): Promise<Verification> {
		let previous = { seq: 0n, hash: GENESIS }
		let rows = 0
		for (;;) {
			const page = await auditAfter(this.#database, previous.seq, PAGE)
			for (const row of page) {
				const reason = whyBroken(row, previous)
				if (reason !== null) return { intact: false, brokenAt: row.seq, reason }
				previous = row
				rows += 1
			}
			if (page.length < PAGE) return { intact: true, rows }
		}
	}

	async #append(entry: AuditEntry): Promise<void> {
		for (;;) {
			const last = (await lastAudit(this.#database)) ?? { seq: 0n, hash: GENESIS }
			const row = { ...entry, facts: entry.facts ?? {}, at: this.#now(), seq: last.seq + 1n, previous: last.hash }
			if (await appendAudit(this.#database, { ...row, hash: hashRow(row) })) return
		}
	}
}

const ListInput = z.strictObject({
	subject: z.string().max(128).optional(),
	limit: z.number().int().min(1).max(500).default(100),
})

function whyBroken(row: AuditRow, previous: { seq: bigint; hash: string }): string | null {
	if (row.seq !== previous.seq + 1n) return `rows between ${previous.seq} and ${row.seq} are missing`
	if (row.previous !== previous.hash) return 'it does not follow the row before'
	if (row.hash !== hashRow(row)) return 'it was changed after it was written'
	return null
}

function hashRow(row: Omit<AuditRow, 'hash'>): string {
	const { seq, at, actor, via, action, subject, outcome, facts, previous } = row
	const text = canonicalJson({
		seq: String(seq),
		at: at.toISOString(),
		actor,
		via,
		action,
		subject,
		outcome,
		facts,
		previous,
	})
	return createHash('sha256').update(text).digest('hex')
}
