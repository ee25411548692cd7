import {
	type Endpoint,
	type Liveness,
	type NodeStatus,
	type NodeView,
	type WatchFrame,
	type WorkloadReport,
	WorkloadStatus,
} from '../protocol/index.ts'
import { HeardRoutes } from './heard-routes.ts'

interface Known {
	status: NodeStatus
	liveness: Liveness
	lastSeenAt: string
	roundTripMs: number | null
}

export interface LocalTruth {
	status(): NodeStatus
	reports(): WorkloadReport[]
	/** what this node as a gateway gives the workload */
	routes(workloadId: string): Endpoint[]
}

/**
 * What this node knows of the whole lattice: its own truth, and what the others say of themselves. Each entry has one
 * writer, its own host; a report of a host that is away is kept and said to be unknown.
 */
export class Directory {
	readonly #local: LocalTruth | null
	readonly #nodes = new Map<string, Known>()
	/** peer id → workload id → report */
	readonly #reports = new Map<string, Map<string, WorkloadReport>>()
	readonly #routes = new HeardRoutes()
	readonly #listeners = new Set<() => void>()
	readonly #now: () => number

	/** `local` is null for a client that hosts nothing (the CLI). */
	constructor(local: LocalTruth | null, now: () => number = Date.now) {
		this.#local = local
		this.#now = now
	}

	/** Told after each change of what others say. */
	onChange(listener: () => void): () => void {
		this.#listeners.add(listener)
		return () => this.#listeners.delete(listener)
	}

	/** A frame of `watch` from that host. A host speaks about itself only; anything else is passed over. */
	apply(peerId: string, frame: WatchFrame): void {
		this.#apply(peerId, frame)
		this.#changed()
	}

	#apply(peerId: string, frame: WatchFrame): void {
		switch (frame.type) {
			case 'node': {
				if (frame.node.peerId !== peerId) return
				const roundTripMs = this.#nodes.get(peerId)?.roundTripMs ?? null
				const lastSeenAt = iso(this.#now())
				this.#nodes.set(peerId, { status: frame.node, liveness: 'alive', lastSeenAt, roundTripMs })
				return
			}
			case 'report':
				if (frame.report.node.peerId === peerId) this.#reportsOf(peerId).set(frame.report.id, frame.report)
				return
			case 'removed':
				this.#reports.get(peerId)?.delete(frame.workloadId)
				return
			case 'routes':
				this.#routes.hear(peerId, frame.workloadId, frame.endpoints)
				return
			case 'event':
			case 'synced':
				return
		}
	}

	/** What membership finds of a node, its own words included. */
	see({ status, liveness, lastSeenAt, roundTripMs }: NodeView): void {
		this.#nodes.set(status.peerId, { status, liveness, lastSeenAt, roundTripMs })
		this.#changed()
	}

	/** It is no member any more: neither it nor what it ran counts. */
	forget(peerId: string): void {
		this.#nodes.delete(peerId)
		this.#reports.delete(peerId)
		this.#routes.forget(peerId)
		this.#changed()
	}

	dropReports(peerId: string): void {
		this.#reports.delete(peerId)
		this.#changed()
	}

	/** It is about to say anew what it gives as a gateway. */
	dropRoutes(peerId: string): void {
		this.#routes.forget(peerId)
	}

	/** What the gateways that answer give the workload, this node's own first. */
	routes(workloadId: string): Endpoint[] {
		const isThere = (peerId: string) => (this.#nodes.get(peerId)?.liveness ?? 'alive') === 'alive'
		return [...(this.#local?.routes(workloadId) ?? []), ...this.#routes.of(workloadId, isThere)]
	}

	#changed(): void {
		for (const listener of this.#listeners) listener()
	}

	judge(peerId: string, liveness: Liveness): void {
		const known = this.#nodes.get(peerId)
		if (!known) return
		known.liveness = liveness
		if (liveness === 'alive') known.lastSeenAt = iso(this.#now())
		this.#changed()
	}

	nodes(): NodeView[] {
		const now = iso(this.#now())
		const self: NodeView[] = this.#local
			? [{ status: this.#local.status(), liveness: 'alive', lastSeenAt: now, roundTripMs: 0 }]
			: []
		return [...self, ...[...this.#nodes.values()].map((known) => ({ ...known }))]
	}

	/** One for each (host, workload). Those of a host that is away have status `unknown`, with the reason. */
	reports(): WorkloadReport[] {
		const others = [...this.#reports].flatMap(([peerId, reports]) => {
			const known = this.#nodes.get(peerId)
			// Its words came before anybody named it: it is connected.
			if (!known || known.liveness === 'alive') return [...reports.values()]
			return [...reports.values()].map((report) => unknown(report, known))
		})
		return [...(this.#local?.reports() ?? []), ...others]
	}

	/** Every host that holds replicas of it, most recently changed generation first. */
	of(workloadId: string): WorkloadReport[] {
		return this.reports()
			.filter((report) => report.id === workloadId)
			.sort((a, b) => b.generation - a.generation)
	}

	/** What the other hosts that are there say of it. */
	othersOf(workloadId: string): WorkloadReport[] {
		return [...this.#reports].flatMap(([peerId, reports]) => {
			const report = reports.get(workloadId)
			return report && (this.#nodes.get(peerId)?.liveness ?? 'alive') === 'alive' ? [report] : []
		})
	}

	byName(owner: string, name: string): WorkloadReport | null {
		return this.reports().find((report) => report.owner === owner && report.name === name) ?? null
	}

	#reportsOf(peerId: string): Map<string, WorkloadReport> {
		const held = this.#reports.get(peerId) ?? new Map<string, WorkloadReport>()
		this.#reports.set(peerId, held)
		return held
	}
}

function unknown(report: WorkloadReport, known: Known): WorkloadReport {
	const reason = `${known.status.name} does not answer; last seen ${known.lastSeenAt}`
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
