import { LatticeError, Placement } from '../protocol/index.ts'
import type { Decision } from '../scheduler/decisions.ts'
import type { Database } from './database.ts'

/** A name reserved for an order, with the decision on who runs it. */
export interface Claim {
	owner: string
	name: string
	commandId: string
	workloadId: string
	/** JWT */
	token: string
	decision: Decision
}

type Row = Omit<Claim, 'decision'> & {
	decision: string
	generation: number
	placement: string
	attempt: string
	shared: number
	signed_at: number
}

/** Names reserved by this node while it is the steward (the console away), or its witness. One (owner, name), one claim. */
export class Claims {
	readonly #db: Database

	constructor(db: Database) {
		this.#db = db
	}

	find(owner: string, name: string): Claim | null {
		const row = this.#db
			.prepare(
				`SELECT owner, name, command_id AS commandId, workload_id AS workloadId, token, decision, generation, placement,
					attempt, shared, signed_at FROM claim WHERE owner = ? AND name = ?`,
			)
			.get(owner, name)
		return row ? claimOf(row as unknown as Row) : null
	}

	/** In place of an earlier one of the name, if any: whether that may be is for the steward to say. */
	put({ owner, name, commandId, workloadId, token, decision }: Claim): void {
		const { id, generation, placement, attempt, shared, signedAt } = decision
		this.#db.transaction(() => {
			this.#db
				.prepare(
					`INSERT OR REPLACE INTO claim (owner, name, command_id, workload_id, token, decision, generation, placement,
						attempt, shared, signed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
				)
				.run(
					...([owner, name, commandId, workloadId, token, id, generation, JSON.stringify(placement)] as const),
					...([attempt, shared ? 1 : 0, signedAt] as const),
				)
		})
	}

	release(owner: string, name: string, decision: string): void {
		this.#db.prepare('DELETE FROM claim WHERE owner = ? AND name = ? AND decision = ?').run(owner, name, decision)
	}

	releaseWorkload(workloadId: string): void {
		this.#db.prepare('DELETE FROM claim WHERE workload_id = ?').run(workloadId)
	}
}

function claimOf(row: Row): Claim {
	const { owner, name, commandId, workloadId, token, generation, attempt } = row
	const placement = Placement.parse(JSON.parse(row.placement))
	const decision = {
		id: row.decision,
		generation,
		placement,
		attempt,
		shared: row.shared === 1,
		signedAt: row.signed_at,
	}
	return { owner, name, commandId, workloadId, token, decision }
}

export function nameTaken(name: string): LatticeError {
	return new LatticeError(
		'NAME_TAKEN',
		`You already have a workload named ${name}; choose another name or delete that one first.`,
		{ name },
	)
}
