import { LatticeError } from '../protocol/index.ts'
import type { Database } from './database.ts'

export interface Claim {
	owner: string
	name: string
	commandId: string
	workloadId: string
	token: string
}

/** Names reserved by this node while it is the steward (the console away). One (owner, name), one claim. */
export class Claims {
	readonly #db: Database

	constructor(db: Database) {
		this.#db = db
	}

	find(owner: string, name: string): Claim | null {
		const row = this.#db.sql
			.prepare(
				'SELECT owner, name, command_id AS commandId, workload_id AS workloadId, token FROM claim WHERE owner = ? AND name = ?',
			)
			.get(owner, name)
		return (row as unknown as Claim | undefined) ?? null
	}

	/** The first claim of this command id again, or NAME_TAKEN when another order holds the name. */
	take(claim: Claim): Claim {
		return this.#db.transaction(() => {
			const held = this.find(claim.owner, claim.name)
			if (held && held.commandId === claim.commandId) return held
			if (held) throw nameTaken(claim.name)
			this.#db.sql
				.prepare('INSERT INTO claim VALUES (?, ?, ?, ?, ?, ?)')
				.run(claim.owner, claim.name, claim.commandId, claim.workloadId, claim.token, Date.now())
			return claim
		})
	}

	release(owner: string, name: string, commandId: string): void {
		this.#db.sql
			.prepare('DELETE FROM claim WHERE owner = ? AND name = ? AND command_id = ?')
			.run(owner, name, commandId)
	}

	releaseWorkload(workloadId: string): void {
		this.#db.sql.prepare('DELETE FROM claim WHERE workload_id = ?').run(workloadId)
	}
}

export function nameTaken(name: string): LatticeError {
	return new LatticeError(
		'NAME_TAKEN',
		`You already have a workload named ${name}; choose another name or delete that one first.`,
		{ name },
	)
}
