import type { NodeStatus, NodeView, Placement, Requirements } from '../protocol/index.ts'
import type { Order } from './order.ts'
import { Scheduler } from './scheduler.ts'

export interface PlaceInput extends Order {
	nodes: readonly NodeView[]
	/** peer id of the node that decides */
	by: string
	/** ISO 8601 */
	at: string
}

/** One placement over a view that nobody keeps: builds the index, asks once. A lattice that decides often keeps a `Scheduler`. */
export function place({ nodes, by, at, ...order }: PlaceInput): Placement {
	const scheduler = new Scheduler()
	for (const node of nodes) scheduler.update(node)
	return scheduler.explain(order, { at, by })
}

/**
 * A host's own judgement before it reserves: null when it can run `count` more replicas, else a sentence with numbers.
 * The same filters as the ranking, so that an entry node with a fresh view is never surprised.
 */
export function admissionRefusal(
	status: NodeStatus,
	requirements: Requirements,
	count: number,
	at: string,
): string | null {
	const placement = place({
		nodes: [{ status, liveness: 'alive', lastSeenAt: at, roundTripMs: 0 }],
		requirements,
		owner: '',
		workloadId: '',
		replicas: Array.from({ length: count }, (_, index) => index),
		by: status.peerId,
		at,
	})
	return placement.chosen.length === count ? null : (placement.rejected[0]?.reason ?? null)
}
