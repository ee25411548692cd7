import {
	type Liveness,
	type NodeStatus,
	type NodeView,
	type WatchFrame,
	type WorkloadReport,
	WorkloadStatus,
} from '../protocol/index.ts'

interface Known {
	status: NodeStatus
	liveness: Liveness
	lastSeenAt: number
	roundTripMs: number | null
	reports: Map<string, WorkloadReport>
}

export interface LocalTruth {
	status(): NodeStatus
	reports(): WorkloadReport[]
}

/**
 * What this node knows of the whole lattice: its own truth, and what the others say of themselves. Each entry has one
 * writer, its own host; a report of a host that is away is kept and said to be unknown.
 */
export class Directory {
	readonly #local: LocalTruth | null
	readonly #others = new Map<string, Known>()
	readonly #now: () => number

	/** `local` is null for a client that hosts nothing (the CLI). */
	constructor(local: LocalTruth | null, now: () => number = Date.now) {
		this.#local = local
		this.#now = now
	}

	/** A frame of `watch` from that host. A host speaks about itself only; anything else is passed over. */
	apply(peerId: string, frame: WatchFrame): void {
		const known = this.#others.get(peerId)
		switch (frame.type) {
			case 'node':
				if (frame.node.peerId !== peerId) return
				this.#others.set(peerId, {
					status: frame.node,
					liveness: 'alive',
					lastSeenAt: this.#now(),
					roundTripMs: known?.roundTripMs ?? null,
					reports: known?.reports ?? new Map(),
				})
				return
			case 'report':
				if (frame.report.node.peerId === peerId) known?.reports.set(frame.report.id, frame.report)
				return
			case 'removed':
				known?.reports.delete(frame.workloadId)
				return
			case 'event':
			case 'synced':
				return
		}
	}

	judge(peerId: string, liveness: Liveness, roundTripMs: number | null): void {
		const known = this.#others.get(peerId)
		if (!known) return
		known.liveness = liveness
		known.roundTripMs = roundTripMs ?? known.roundTripMs
		if (liveness === 'alive') known.lastSeenAt = this.#now()
	}

	nodes(): NodeView[] {
		const now = iso(this.#now())
		const self: NodeView[] = this.#local
			? [{ status: this.#local.status(), liveness: 'alive', lastSeenAt: now, roundTripMs: 0 }]
			: []
		const others = [...this.#others.values()].map((known) => ({
			status: known.status,
			liveness: known.liveness,
			lastSeenAt: iso(known.lastSeenAt),
			roundTripMs: known.roundTripMs,
		}))
		return [...self, ...others]
	}

	/** One for each (host, workload). Those of a host that is away have status `unknown`, with the reason. */
	reports(): WorkloadReport[] {
		const others = [...this.#others.values()].flatMap((known) =>
			[...known.reports.values()].map((report) => (known.liveness === 'alive' ? report : unknown(report, known))),
		)
		return [...(this.#local?.reports() ?? []), ...others]
	}

	/** Every host that holds replicas of it, most recently changed generation first. */
	of(workloadId: string): WorkloadReport[] {
		return this.reports()
			.filter((report) => report.id === workloadId)
			.sort((a, b) => b.generation - a.generation)
	}

	byName(owner: string, name: string): WorkloadReport | null {
		return this.reports().find((report) => report.owner === owner && report.name === name) ?? null
	}
}

function unknown(report: WorkloadReport, known: Known): WorkloadReport {
	const reason = `${known.status.name} does not answer; last seen ${iso(known.lastSeenAt)}`
	const status = WorkloadStatus.enum.unknown
	return {
		...report,
		status,
		statusReason: reason,
		replicas: report.replicas.map((replica) => ({ ...replica, status, statusReason: reason })),
	}
}

function iso(ms: number): string {
	return new Date(ms).toISOString()
}
