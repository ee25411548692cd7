import type { Requirements } from '../protocol/index.ts'
import type { Bitset } from './bitset.ts'
import type { NodeIndex } from './node-index.ts'
import type { Order } from './order.ts'
import { hashName } from './rendezvous.ts'
import { canonicalImage, term } from './terms.ts'

/** An order looked up in the index once, so that filters and scores only read numbers. */
export interface Ask {
	requirements: Requirements
	orderHash: number
	/** each constraint with the nodes that satisfy it; none do when `rows` is undefined */
	constraints: { label: string; value: string; rows: Bitset | undefined }[]
	/** the nodes that have the image */
	image: Bitset | undefined
	excluded: ReadonlySet<number>
	/** replicas of this owner and of this workload by row, those of this order included */
	ownerReplicas: Int32Array
	workloadReplicas: Int32Array
	/** replicas of this order that were already given to a row: the next one sees what they leave */
	taken: Int32Array
}

/** The counting columns are kept between decisions: allocating them would cost more than the ranking. */
export class AskFactory {
	readonly #index: NodeIndex
	#ownerReplicas = new Int32Array(0)
	#workloadReplicas = new Int32Array(0)
	#taken = new Int32Array(0)

	constructor(index: NodeIndex) {
		this.#index = index
	}

	/** The ask is valid until the next one is made or the index changes. */
	make(order: Order): Ask {
		const index = this.#index
		this.#reset(index.rows)
		fill(this.#ownerReplicas, index.replicasOfOwner(order.owner))
		fill(this.#workloadReplicas, index.replicasOfWorkload(order.workloadId))
		const { requirements } = order
		const constraints = Object.entries(requirements.constraints)
		if (requirements.node !== null) constraints.push(['node', requirements.node])
		return {
			requirements,
			orderHash: hashName(order.workloadId),
			constraints: constraints.map(([label, value]) => ({ label, value, rows: index.terms.get(term(label, value)) })),
			image: index.images.get(canonicalImage(requirements.image)),
			excluded: new Set((order.exclude ?? []).map((peerId) => index.rowOf(peerId) ?? -1)),
			ownerReplicas: this.#ownerReplicas,
			workloadReplicas: this.#workloadReplicas,
			taken: this.#taken,
		}
	}

	#reset(rows: number): void {
		if (this.#taken.length < rows) {
			this.#ownerReplicas = new Int32Array(rows * 2)
			this.#workloadReplicas = new Int32Array(rows * 2)
			this.#taken = new Int32Array(rows * 2)
			return
		}
		this.#ownerReplicas.fill(0)
		this.#workloadReplicas.fill(0)
		this.#taken.fill(0)
	}
}

/** Count one more replica of this order on a row. */
export function take(ask: Ask, row: number): void {
	ask.taken[row] = (ask.taken[row] ?? 0) + 1
	ask.ownerReplicas[row] = (ask.ownerReplicas[row] ?? 0) + 1
	ask.workloadReplicas[row] = (ask.workloadReplicas[row] ?? 0) + 1
}

function fill(column: Int32Array, counts: ReadonlyMap<number, number> | undefined): void {
	if (counts) for (const [row, count] of counts) column[row] = count
}
