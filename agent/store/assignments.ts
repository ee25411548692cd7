import { Placement, WireError, type WorkloadStatus } from '../protocol/index.ts'
import type { Database } from './database.ts'

/** A host port that leads to a container port; picked once, kept for the workload's life so that URLs stay. */
export interface PortBinding {
	container: number
	protocol: 'http' | 'tcp'
	kind: 'host' | 'lan' | 'gateway'
	address: string
	port: number
}

/** The order that puts replicas of a workload on this node, with all that its containers need. */
export interface Assignment {
	workloadId: string
	name: string
	type: string
	owner: string
	commandId: string
	claim: string
	generation: number
	/** of the newest placement: scaling raises it and leaves what runs as it is */
	placed: number
	desired: 'running' | 'stopped' | 'deleted'
	keepVolumes: boolean
	/** a replica whose own nonce differs is to be restarted once */
	restartNonce: string | null
	sealedConfig: string
	sealedSecrets: string
	placement: Placement
	/** reserved for each replica */
	memoryBytes: number
	cpus: number
	createdAt: number
	updatedAt: number
	revision: number
}

/** How far a replica has come; `settledOnce` says whether it ever ran in this generation. */
export interface ReplicaRow {
	workloadId: string
	index: number
	phase: string
	status: WorkloadStatus
	reason: string | null
	error: WireError | null
	containerId: string | null
	restartNonce: string | null
	ports: PortBinding[]
	settledOnce: boolean
	restarts: number
	startedAt: string | null
	exitCode: number | null
}

type Row = Record<string, string | number | null>

export class Assignments {
	readonly #db: Database
	readonly #now: () => number

	constructor(db: Database, now: () => number = Date.now) {
		this.#db = db
		this.#now = now
	}

	get(workloadId: string): Assignment | null {
		const row = this.#db.prepare('SELECT * FROM assignment WHERE workload_id = ?').get(workloadId)
		return row ? assignmentOf(row as Row) : null
	}

	byName(owner: string, name: string): Assignment | null {
		const row = this.#db
			.prepare("SELECT * FROM assignment WHERE owner = ? AND name = ? AND desired <> 'deleted'")
			.get(owner, name)
		return row ? assignmentOf(row as Row) : null
	}

	all(): Assignment[] {
		return this.#db
			.prepare('SELECT * FROM assignment ORDER BY created_at, workload_id')
			.all()
			.map((row) => assignmentOf(row as Row))
	}

	put(a: Omit<Assignment, 'revision' | 'updatedAt'>): void {
		this.#db
			.prepare(
				`INSERT INTO assignment (workload_id, name, type, owner, command_id, claim, generation, placed, desired, keep_volumes,
					restart_nonce, sealed_config, sealed_secrets, placement, memory_bytes, cpus, created_at, updated_at, revision)
				 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
				 ON CONFLICT (workload_id) DO UPDATE SET command_id = excluded.command_id, claim = excluded.claim,
					generation = excluded.generation, placed = excluded.placed, desired = excluded.desired, keep_volumes = excluded.keep_volumes,
					restart_nonce = excluded.restart_nonce, sealed_config = excluded.sealed_config,
					sealed_secrets = excluded.sealed_secrets, placement = excluded.placement,
					memory_bytes = excluded.memory_bytes, cpus = excluded.cpus,
					updated_at = excluded.updated_at, revision = excluded.revision`,
			)
			.run(
				a.workloadId,
				a.name,
				a.type,
				a.owner,
				a.commandId,
				a.claim,
				a.generation,
				a.placed,
				a.desired,
				a.keepVolumes ? 1 : 0,
				a.restartNonce,
				a.sealedConfig,
				a.sealedSecrets,
				JSON.stringify(a.placement),
				a.memoryBytes,
				a.cpus,
				a.createdAt,
				this.#now(),
				this.#db.next('revision'),
			)
		// The same order can come again once its command is forgotten, and then has the same id.
		this.#db.prepare('DELETE FROM tombstone WHERE workload_id = ?').run(a.workloadId)
	}

	setDesired(workloadId: string, desired: Assignment['desired'], keepVolumes = false): void {
		this.#db
			.prepare(
				'UPDATE assignment SET desired = ?, keep_volumes = ?, updated_at = ?, revision = ? WHERE workload_id = ?',
			)
			.run(desired, keepVolumes ? 1 : 0, this.#now(), this.#db.next('revision'), workloadId)
	}

	setRestartNonce(workloadId: string, nonce: string): void {
		this.#db
			.prepare(
				"UPDATE assignment SET restart_nonce = ?, desired = 'running', updated_at = ?, revision = ? WHERE workload_id = ?",
			)
			.run(nonce, this.#now(), this.#db.next('revision'), workloadId)
	}

	/** Removes the assignment and its replicas and leaves a tombstone, so that the console learns of it after any outage. */
	forget(workloadId: string): void {
		this.#db.transaction(() => {
			this.#db.prepare('DELETE FROM assignment WHERE workload_id = ?').run(workloadId)
			this.#db.prepare('INSERT OR REPLACE INTO tombstone VALUES (?, ?)').run(workloadId, this.#now())
		})
	}

	tombstones(): { workloadId: string; at: number }[] {
		const rows = this.#db.prepare('SELECT workload_id, at FROM tombstone').all() as {
			workload_id: string
			at: number
		}[]
		return rows.map((row) => ({ workloadId: row.workload_id, at: row.at }))
	}

	isTombstoned(workloadId: string): boolean {
		return this.#db.prepare('SELECT 1 FROM tombstone WHERE workload_id = ?').get(workloadId) !== undefined
	}

	replicas(workloadId: string): ReplicaRow[] {
		return this.#db
			.prepare('SELECT * FROM replica WHERE workload_id = ? ORDER BY idx')
			.all(workloadId)
			.map((row) => replicaOf(row as Row))
	}

	/** As progress: the engine tells it again. What must survive a power cut is put within a transaction. */
	putReplica(r: ReplicaRow): void {
		this.#db.progress(() => this.#putReplica(r))
	}

	#putReplica(r: ReplicaRow): void {
		this.#db
			.prepare(
				`INSERT OR REPLACE INTO replica (workload_id, idx, phase, status, reason, error, container_id, restart_nonce,
					ports, settled_once, restarts, started_at, exit_code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			)
			.run(
				r.workloadId,
				r.index,
				r.phase,
				r.status,
				r.reason,
				r.error ? JSON.stringify(r.error) : null,
				r.containerId,
				r.restartNonce,
				JSON.stringify(r.ports),
				r.settledOnce ? 1 : 0,
				r.restarts,
				r.startedAt,
				r.exitCode,
			)
		this.touch(r.workloadId)
	}

	removeReplica(workloadId: string, index: number): void {
		this.#db.prepare('DELETE FROM replica WHERE workload_id = ? AND idx = ?').run(workloadId, index)
		this.touch(workloadId)
	}

	touch(workloadId: string): void {
		this.#db
			.prepare('UPDATE assignment SET updated_at = ?, revision = ? WHERE workload_id = ?')
			.run(this.#now(), this.#db.next('revision'), workloadId)
	}

	/** What assignments hold of this node, running or not: a stopped workload can always start again. */
	reserved(): { memoryBytes: number; cpus: number } {
		return this.#db
			.prepare(
				`SELECT COALESCE(SUM(a.memory_bytes), 0) AS memoryBytes, COALESCE(SUM(a.cpus), 0) AS cpus
				 FROM assignment a JOIN replica r ON r.workload_id = a.workload_id
				 WHERE a.desired <> 'deleted' AND r.status <> 'failed'`,
			)
			.get() as { memoryBytes: number; cpus: number }
	}

	/** Replicas whose container is up, with what each was given. */
	running(): { workloadId: string; replica: number; containerId: string; cpus: number }[] {
		return this.#db.sql
			.prepare(
				`SELECT r.workload_id AS workloadId, r.idx AS replica, r.container_id AS containerId, a.cpus AS cpus
				 FROM replica r JOIN assignment a ON a.workload_id = r.workload_id
				 WHERE r.container_id IS NOT NULL AND r.status IN ('starting', 'running', 'unhealthy')`,
			)
			.all() as { workloadId: string; replica: number; containerId: string; cpus: number }[]
	}

	/** Whether the owner has, or is about to have, anything else here. */
	hasOthers(owner: string, workloadId: string): boolean {
		return (
			this.#db
				.prepare("SELECT 1 FROM assignment WHERE owner = ? AND workload_id <> ? AND desired <> 'deleted'")
				.get(owner, workloadId) !== undefined
		)
	}

	takenPorts(): Set<number> {
		const taken = new Set<number>()
		for (const row of this.#db.prepare('SELECT ports FROM replica').all() as { ports: string }[]) {
			for (const binding of JSON.parse(row.ports) as PortBinding[]) taken.add(binding.port)
		}
		return taken
	}
}

function assignmentOf(row: Row): Assignment {
	return {
		workloadId: String(row.workload_id),
		name: String(row.name),
		type: String(row.type),
		owner: String(row.owner),
		commandId: String(row.command_id),
		claim: String(row.claim),
		generation: Number(row.generation),
		placed: Math.max(Number(row.placed), Number(row.generation)),
		desired: row.desired as Assignment['desired'],
		keepVolumes: row.keep_volumes === 1,
		restartNonce: row.restart_nonce as string | null,
		sealedConfig: String(row.sealed_config),
		sealedSecrets: String(row.sealed_secrets),
		placement: Placement.parse(JSON.parse(String(row.placement))),
		memoryBytes: Number(row.memory_bytes),
		cpus: Number(row.cpus),
		createdAt: Number(row.created_at),
		updatedAt: Number(row.updated_at),
		revision: Number(row.revision),
	}
}

function replicaOf(row: Row): ReplicaRow {
	return {
		workloadId: String(row.workload_id),
		index: Number(row.idx),
		phase: String(row.phase),
		status: row.status as WorkloadStatus,
		reason: row.reason as string | null,
		error: row.error === null ? null : WireError.parse(JSON.parse(String(row.error))),
		containerId: row.container_id as string | null,
		restartNonce: row.restart_nonce as string | null,
		ports: JSON.parse(String(row.ports)) as PortBinding[],
		settledOnce: row.settled_once === 1,
		restarts: Number(row.restarts),
		startedAt: row.started_at as string | null,
		exitCode: row.exit_code as number | null,
	}
}
