import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'

/**
 * How far a deployment had come, as the host's journal knew it. `unaccepted`: ordered, and not in the journal.
 * `starting`: the engine starts the container; `started`: it runs and is not ready yet.
 */
export const PHASES = [
	'unaccepted',
	'accepted',
	'pulling',
	'creating',
	'created',
	'starting',
	'started',
	'running',
] as const
export type JournalPhase = (typeof PHASES)[number]

export interface Row {
	workloadId: string
	phase: string
	status: string
	containerId: string | null
	reason: string | null
}

/** Reads the agent's store beside the agent, dead or alive. */
export class JournalReader {
	readonly #database: DatabaseSync
	readonly #select: StatementSync

	constructor(home: string) {
		this.#database = new DatabaseSync(join(home, 'agent/store.sqlite'), { readOnly: true })
		this.#select = this.#database.prepare(
			`SELECT a.name, a.workload_id AS workloadId, r.phase, r.status, r.container_id AS containerId, r.reason
			 FROM assignment a JOIN replica r ON r.workload_id = a.workload_id`,
		)
	}

	/** By the workload's name. */
	rows(): Map<string, Row> {
		const rows = this.#select.all() as unknown as (Row & { name: string })[]
		return new Map(rows.map((row) => [row.name, row]))
	}

	phases(names: readonly string[]): Map<string, JournalPhase> {
		const rows = this.rows()
		return new Map(names.map((name) => [name, phaseOf(rows.get(name))]))
	}

	close(): void {
		this.#database.close()
	}
}

function phaseOf(row: Row | undefined): JournalPhase {
	const phase = row === undefined ? 'unaccepted' : PHASES.find((known) => known === row.phase)
	if (phase === undefined) throw new Error(`${row?.workloadId} is ${row?.phase}: ${row?.reason}`)
	return phase
}
