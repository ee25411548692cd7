import { type CommandFrame, CommandResult, LatticeError, WireError } from '../protocol/index.ts'
import type { Database } from './database.ts'

/** What a command came to: exactly one, the same for every repetition of its id. */
export type Outcome = { result: CommandResult } | { error: WireError }

export interface JournalEntry {
	id: string
	kind: string
	workloadId: string
	subject: string
	digest: string
	outcome: Outcome | null
	acceptedAt: number
}

interface Row {
	id: string
	kind: string
	workload_id: string
	subject: string
	digest: string
	outcome: string | null
	accepted_at: number
}

/** Settled commands stay this long, so that a late repetition still finds its outcome. */
const KEEP_SETTLED_MS = 7 * 86_400_000

/**
 * The journal of commands: exactly one effect for a command id, and one use for a grant. A command is journaled in the
 * same transaction as the change of desired state that it asks for, so a crash leaves both or neither.
 */
export class Journal {
	readonly #db: Database
	readonly #now: () => number

	constructor(db: Database, now: () => number = Date.now) {
		this.#db = db
		this.#now = now
	}

	/**
	 * GRANT_REPLAYED when this jti was used; kept until no clock within the leeway could take it for fresh. On the disk no
	 * later than what the command changes: its own transaction comes after.
	 */
	spendGrant(jti: string, keepUntilMs: number): void {
		this.#db.progress(() => {
			this.#db.prepare('DELETE FROM used_grant WHERE expires_at < ?').run(this.#now())
			const { changes } = this.#db.prepare('INSERT OR IGNORE INTO used_grant VALUES (?, ?)').run(jti, keepUntilMs)
			if (changes === 0) {
				throw new LatticeError('GRANT_REPLAYED', 'This grant was used before; sign a new one for each attempt.')
			}
		})
	}

	/** This host does not take what this decision gives it, now or later. */
	refuse(decision: string, error: LatticeError): void {
		this.#db.transaction(() => {
			this.#db.prepare('DELETE FROM refused_decision WHERE refused_at < ?').run(this.#now() - KEEP_SETTLED_MS)
			this.#db
				.prepare('INSERT OR IGNORE INTO refused_decision VALUES (?, ?, ?)')
				.run(decision, JSON.stringify(error.toJSON()), this.#now())
		})
	}

	refusalOf(decision: string): LatticeError | null {
		const row = this.#db.prepare('SELECT error FROM refused_decision WHERE id = ?').get(decision)
		return row ? LatticeError.fromWire(WireError.parse(JSON.parse(String(row.error)))) : null
	}

	find(commandId: string): JournalEntry | null {
		const row = this.#db.prepare('SELECT * FROM command WHERE id = ?').get(commandId) as Row | undefined
		return row ? entryOf(row) : null
	}

	/**
	 * The earlier entry of this id when there is one (COMMAND_MISMATCH when it asked for something else or was another
	 * person's), null when the id is new.
	 */
	repeated(commandId: string, digest: string, subject: string): JournalEntry | null {
		const entry = this.find(commandId)
		if (!entry) return null
		if (entry.digest !== digest || entry.subject !== subject) {
			throw new LatticeError(
				'COMMAND_MISMATCH',
				'This command id was used for another order; give each order an id of its own.',
				{ commandId },
			)
		}
		return entry
	}

	accept(entry: Omit<JournalEntry, 'outcome' | 'acceptedAt'>): void {
		this.#db.prepare('DELETE FROM command WHERE settled_at < ?').run(this.#now() - KEEP_SETTLED_MS)
		this.#db
			.prepare('INSERT INTO command (id, kind, workload_id, subject, digest, accepted_at) VALUES (?, ?, ?, ?, ?, ?)')
			.run(entry.id, entry.kind, entry.workloadId, entry.subject, entry.digest, this.#now())
	}

	/**
	 * The first outcome stands; a second settling changes nothing. The states that it follows from are on the disk already,
	 * so a power cut can only make it be settled again, the same way.
	 */
	settle(commandId: string, outcome: Outcome): void {
		this.#db.progress(() => {
			this.#db
				.prepare('UPDATE command SET outcome = ?, settled_at = ? WHERE id = ? AND settled_at IS NULL')
				.run(JSON.stringify(outcome), this.#now(), commandId)
		})
	}

	/** Commands of a workload that have no outcome yet, oldest first. */
	open(workloadId: string): JournalEntry[] {
		const rows = this.#db
			.prepare('SELECT * FROM command WHERE workload_id = ? AND settled_at IS NULL ORDER BY accepted_at, rowid')
			.all(workloadId) as unknown as Row[]
		return rows.map(entryOf)
	}
}

export function frameOf(outcome: Outcome): CommandFrame {
	return 'error' in outcome ? { type: 'error', error: outcome.error } : { type: 'result', result: outcome.result }
}

function entryOf(row: Row): JournalEntry {
	return {
		id: row.id,
		kind: row.kind,
		workloadId: row.workload_id,
		subject: row.subject,
		digest: row.digest,
		outcome: row.outcome === null ? null : parseOutcome(row.outcome),
		acceptedAt: row.accepted_at,
	}
}

function parseOutcome(text: string): Outcome {
	const value = JSON.parse(text) as { result?: unknown; error?: unknown }
	if (value.error !== undefined) return { error: WireError.parse(value.error) }
	return { result: CommandResult.parse(value.result) }
}
