import type { NodeView, Placement } from '../protocol/index.ts'
import { type Ask, AskFactory, take } from './ask.ts'
import { fits, passing, rejection } from './filters.ts'
import { NodeIndex } from './node-index.ts'
import type { Choice, Order } from './order.ts'
import { rendezvousWeight } from './rendezvous.ts'
import { mayReach, pointsOf, reasonsOf, totalTenths } from './scores.ts'

/**
 * Ranks the nodes of one view. Pure in the sense that counts: the same view and order give the same answer on every
 * node, whatever the order in which the view was learnt. It neither reserves nor remembers: the host admits.
 */
export class Scheduler {
	readonly #index = new NodeIndex()
	readonly #asks = new AskFactory(this.#index)
	#words = new Uint32Array(0)

	/** Number of nodes in the view. */
	get size(): number {
		return this.#index.size
	}

	update(view: NodeView): void {
		this.#index.update(view)
	}

	remove(peerId: string): void {
		this.#index.remove(peerId)
	}

	/** One entry for each replica that fits somewhere; it ends at the first that does not, since those after ask the same. */
	decide(order: Order): Choice[] {
		return this.#choose(order, this.#asks.make(order))
	}

	/**
	 * The same decision with every score and every rejection. Candidates are scored for the first replica. When a replica
	 * found no node, the rejections are those that it met, so that a node may be a candidate for the first replica and
	 * rejected for the third. Costs about a millisecond per 1,000 nodes: ask for it when somebody will read it.
	 */
	explain(order: Order, decided: { at: string; by: string }): Placement {
		const ask = this.#asks.make(order)
		const candidates: { row: number; tenths: number; entry: Placement['candidates'][number] }[] = []
		let rejected: Placement['rejected'] = []
		for (const row of this.#rowsByName()) {
			const reason = rejection(this.#index, row, ask)
			if (reason !== null) {
				rejected.push({ node: this.#nodeAt(row), reason })
				continue
			}
			const tenths = totalTenths(this.#index, row, ask)
			const entry = { node: this.#nodeAt(row), score: pointsOf(tenths), reasons: reasonsOf(this.#index, row, ask) }
			candidates.push({ row, tenths, entry })
		}
		candidates.sort((a, b) => b.tenths - a.tenths || (this.#precedes(ask, a.row, b.row) ? -1 : 1))

		const chosen = this.#choose(order, ask)
		if (chosen.length > 0 && chosen.length < order.replicas.length) rejected = this.#rejections(ask)
		return { chosen, candidates: candidates.map(({ entry }) => entry), rejected, ...decided }
	}

	#choose(order: Order, ask: Ask): Choice[] {
		const chosen: Choice[] = []
		for (const replica of order.replicas) {
			const row = this.#best(ask)
			if (row < 0) break
			take(ask, row)
			chosen.push({ replica, node: this.#nodeAt(row) })
		}
		return chosen
	}

	/** The best row for one more replica, or -1. */
	#best(ask: Ask): number {
		const index = this.#index
		const needed = (index.rows + 31) >>> 5
		if (this.#words.length < needed) this.#words = new Uint32Array(needed * 2)
		const words = this.#words
		const count = passing(index, ask, words)
		let best = -1
		let bestTenths = Number.NEGATIVE_INFINITY
		for (let word = 0; word < count; word++) {
			let rows = words[word] as number
			while (rows !== 0) {
				const lowest = rows & -rows
				rows ^= lowest
				const row = (word << 5) + 31 - Math.clz32(lowest)
				if (!mayReach(index, row, ask, bestTenths) || !fits(index, row, ask)) continue
				const tenths = totalTenths(index, row, ask)
				if (tenths > bestTenths || (tenths === bestTenths && this.#precedes(ask, row, best))) {
					best = row
					bestTenths = tenths
				}
			}
		}
		return best
	}

	/** The order among equals: rendezvous weight, then the peer id in the one-in-four-billion case. */
	#precedes(ask: Ask, a: number, b: number): boolean {
		const { peerHash } = this.#index
		const weightA = rendezvousWeight(ask.orderHash, peerHash[a] as number)
		const weightB = rendezvousWeight(ask.orderHash, peerHash[b] as number)
		if (weightA !== weightB) return weightA > weightB
		return this.#nodeAt(a).peerId < this.#nodeAt(b).peerId
	}

	#rejections(ask: Ask): Placement['rejected'] {
		const rejected: Placement['rejected'] = []
		for (const row of this.#rowsByName()) {
			const reason = rejection(this.#index, row, ask)
			if (reason !== null) rejected.push({ node: this.#nodeAt(row), reason })
		}
		return rejected
	}

	/** By name and then peer id: the same list on every node. */
	#rowsByName(): number[] {
		const nodes = [...this.#index.occupied()].map((row) => ({ row, ...this.#nodeAt(row) }))
		nodes.sort((a, b) => compare(a.name, b.name) || compare(a.peerId, b.peerId))
		return nodes.map(({ row }) => row)
	}

	#nodeAt(row: number): Choice['node'] {
		const { peerId, name } = this.#index.viewAt(row).status
		return { peerId, name }
	}
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0
}
