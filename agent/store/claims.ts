import { LatticeError } from '../protocol/index.ts'
import type { Database } from './database.ts'

export interface Claim {
	owner: string
	name: string
	commandId: string
	workloadId: string
	token: string
	/** the peer that places the order */
	entry: string
	/** milliseconds since the epoch */
	at: number
}

/** Names reserved by this node while it is the steward (the console away). One (owner, name), one claim. */
export class Claims {
	readonly #db: Database

	constructor(db: Database) {
		this.#db = db
	}

	find(owner: string, name: string): Claim | null {
		const row = this.#db
			.prepare(
				`SELECT owner, name, command_id AS commandId, workload_id AS workloadId, token, entry, at
				 FROM claim WHERE owner = ? AND name = ?`,
			)
			.get(owner, name)
		return (row as unknown as Claim | undefined) ?? null
	}

	/** In place of an earlier one of the name, if any: whether that may be is for the steward to say. */
	put(claim: Claim): void {
		this.#db
			.prepare(
				`INSERT OR REPLACE INTO claim (owner, name, command_id, workload_id, token, entry, at)
				 VALUES (?, ?, ?, ?, ?, ?, ?)`,
			)
			.run(claim.owner, claim.name, claim.commandId, claim.workloadId, claim.token, claim.entry, claim.at)
	}

	release(owner: string, name: string, commandId: string): void {
		this.#db.prepare('DELETE FROM claim WHERE owner = ? AND name = ? AND command_id = ?').run(owner, name, commandId)
	}

	releaseWorkload(workloadId: string): void {
		this.#db.prepare('DELETE FROM claim WHERE workload_id = ?').run(workloadId)
	}
}

export function nameTaken(name: string): LatticeError {
	return new LatticeError(
		'NAME_TAKEN',
		`You already have a workload named ${name}; choose another name or delete that one first.`,
		{ name },
	)
}
