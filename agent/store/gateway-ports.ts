import type { Database } from './database.ts'

/** The port at which this gateway fronts one port of one workload; kept for the workload's life. */
export interface GatewayPort {
	workloadId: string
	container: number
	protocol: 'http' | 'tcp'
	port: number
	/** milliseconds since the epoch when the workload was seen no more; null while it is there */
	goneSince: number | null
}

type Row = Record<string, string | number | null>

export class GatewayPorts {
	readonly #db: Database

	constructor(db: Database) {
		this.#db = db
	}

	all(): GatewayPort[] {
		return this.#db.sql
			.prepare('SELECT * FROM gateway_port')
			.all()
			.map((row) => portOf(row as Row))
	}

	put({ workloadId, container, protocol, port, goneSince }: GatewayPort): void {
		this.#db.transaction(() =>
			this.#db.sql
				.prepare(
					`INSERT OR REPLACE INTO gateway_port (workload_id, container, protocol, port, gone_since) VALUES (?, ?, ?, ?, ?)`,
				)
				.run(workloadId, container, protocol, port, goneSince),
		)
	}

	/** As progress: that it was away for a moment may be forgotten. */
	setGone(workloadId: string, container: number, goneSince: number | null): void {
		this.#db.progress(() =>
			this.#db.sql
				.prepare('UPDATE gateway_port SET gone_since = ? WHERE workload_id = ? AND container = ?')
				.run(goneSince, workloadId, container),
		)
	}

	/** Ports of workloads that were not seen since then are free for others. */
	release(goneBefore: number): void {
		this.#db.progress(() => this.#db.sql.prepare('DELETE FROM gateway_port WHERE gone_since < ?').run(goneBefore))
	}
}

function portOf(row: Row): GatewayPort {
	return {
		workloadId: String(row.workload_id),
		container: Number(row.container),
		protocol: row.protocol === 'http' ? 'http' : 'tcp',
		port: Number(row.port),
		goneSince: row.gone_since === null ? null : Number(row.gone_since),
	}
}
