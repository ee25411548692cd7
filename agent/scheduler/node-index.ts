import type { NodeStatus, NodeView } from '../protocol/index.ts'
import { Bitset, BitsetMap } from './bitset.ts'
import { hashName } from './rendezvous.ts'
import { ceilingTenths, standingTenths } from './scores.ts'
import { canonicalImage, termsOf } from './terms.ts'

type Reserved = NodeStatus['workloads'][number]

/**
 * The view as columns, one row a node, kept up to date by differences: a decision reads a few flat arrays and ANDs a
 * few bitsets instead of walking 1,000 objects, and a status that changed in one number costs one number.
 */
export class NodeIndex {
	readonly alive = new Bitset()
	readonly engineReady = new Bitset()
	readonly terms = new BitsetMap()
	readonly images = new BitsetMap()

	memory = new Float64Array(0)
	freeMemory = new Float64Array(0)
	cpus = new Float64Array(0)
	reservedCpus = new Float64Array(0)
	freeDisk = new Float64Array(0)
	failures = new Float64Array(0)
	/** NaN before the first probe */
	roundTripMs = new Float64Array(0)
	/** see scores.ts: what an order cannot change, and what no order can exceed */
	standingTenths = new Float64Array(0)
	ceilingTenths = new Float64Array(0)
	peerHash = new Uint32Array(0)

	readonly #rows = new Map<string, number>()
	readonly #views: (NodeView | undefined)[] = []
	readonly #free: number[] = []
	/** owner or workload id → row → replicas there; sparse, since most nodes hold nothing of any one owner */
	readonly #byOwner = new Map<string, Map<number, number>>()
	readonly #byWorkload = new Map<string, Map<number, number>>()

	/** One past the highest row ever used: the length that scratch columns need. */
	get rows(): number {
		return this.#views.length
	}

	get size(): number {
		return this.#rows.size
	}

	rowOf(peerId: string): number | undefined {
		return this.#rows.get(peerId)
	}

	/** The node of an occupied row. */
	viewAt(row: number): NodeView {
		const view = this.#views[row]
		if (!view) throw new RangeError(`row ${row} of the node index is empty`)
		return view
	}

	*occupied(): IterableIterator<number> {
		yield* this.#rows.values()
	}

	replicasOfOwner(owner: string): ReadonlyMap<number, number> | undefined {
		return this.#byOwner.get(owner)
	}

	replicasOfWorkload(workloadId: string): ReadonlyMap<number, number> | undefined {
		return this.#byWorkload.get(workloadId)
	}

	/** The node's newest view; views are never mutated, so an identical part is recognised by comparing, not copied. */
	update(view: NodeView): void {
		const { status } = view
		const row = this.#rows.get(status.peerId) ?? this.#newRow(status.peerId)
		const before = this.#views[row]
		this.#views[row] = view

		setMembership(this.alive, row, view.liveness === 'alive')
		setMembership(this.engineReady, row, status.engine.ready)
		this.memory[row] = status.capacity.memoryBytes
		this.freeMemory[row] = status.capacity.memoryBytes - status.allocated.memoryBytes
		this.cpus[row] = status.capacity.cpus
		this.reservedCpus[row] = status.allocated.cpus
		this.freeDisk[row] = status.capacity.diskBytes - status.allocated.diskBytes
		this.failures[row] = status.recentFailures
		this.roundTripMs[row] = view.roundTripMs ?? Number.NaN
		this.standingTenths[row] = standingTenths(this, row)
		this.ceilingTenths[row] = ceilingTenths(this, row)

		const old = before?.status
		if (!old || !sameTerms(old, status)) {
			if (old) for (const name of termsOf(old)) this.terms.delete(name, row)
			for (const name of termsOf(status)) this.terms.add(name, row)
		}
		this.#replaceImages(row, old?.images ?? [], status.images)
		this.#replaceWorkloads(row, old?.workloads ?? [], status.workloads)
	}

	remove(peerId: string): void {
		const row = this.#rows.get(peerId)
		if (row === undefined) return
		const { status } = this.viewAt(row)
		this.alive.delete(row)
		this.engineReady.delete(row)
		for (const name of termsOf(status)) this.terms.delete(name, row)
		this.#replaceImages(row, status.images, [])
		this.#replaceWorkloads(row, status.workloads, [])
		this.#views[row] = undefined
		this.#rows.delete(peerId)
		this.#free.push(row)
	}

	#newRow(peerId: string): number {
		const row = this.#free.pop() ?? this.#views.length
		if (row === this.#views.length) this.#views.push(undefined)
		if (row >= this.memory.length) this.#grow(Math.max(16, row * 2))
		this.#rows.set(peerId, row)
		this.peerHash[row] = hashName(peerId)
		return row
	}

	#grow(rows: number): void {
		this.memory = grown(this.memory, rows)
		this.freeMemory = grown(this.freeMemory, rows)
		this.cpus = grown(this.cpus, rows)
		this.reservedCpus = grown(this.reservedCpus, rows)
		this.freeDisk = grown(this.freeDisk, rows)
		this.failures = grown(this.failures, rows)
		this.roundTripMs = grown(this.roundTripMs, rows)
		this.standingTenths = grown(this.standingTenths, rows)
		this.ceilingTenths = grown(this.ceilingTenths, rows)
		const hashes = new Uint32Array(rows)
		hashes.set(this.peerHash)
		this.peerHash = hashes
	}

	#replaceImages(row: number, before: readonly string[], after: readonly string[]): void {
		if (before === after) return
		if (before.length === after.length && before.every((image, i) => image === after[i])) return
		// Two references may be one image (with and without the registry), so take all away before adding.
		for (const image of before) this.images.delete(canonicalImage(image), row)
		for (const image of after) this.images.add(canonicalImage(image), row)
	}

	/** Lists of workloads mostly grow or lose one entry: only what lies between the common ends is touched. */
	#replaceWorkloads(row: number, before: readonly Reserved[], after: readonly Reserved[]): void {
		if (before === after) return
		const shorter = Math.min(before.length, after.length)
		let start = 0
		while (start < shorter && sameReserved(before[start], after[start])) start++
		let end = 0
		while (end < shorter - start && sameReserved(before[before.length - 1 - end], after[after.length - 1 - end])) {
			end++
		}
		for (let i = start; i < before.length - end; i++) this.#count(row, before[i], -1)
		for (let i = start; i < after.length - end; i++) this.#count(row, after[i], 1)
	}

	#count(row: number, reserved: Reserved | undefined, sign: 1 | -1): void {
		if (!reserved) return
		addTo(this.#byOwner, reserved.owner, row, sign * reserved.replicas)
		addTo(this.#byWorkload, reserved.id, row, sign * reserved.replicas)
	}
}

function setMembership(set: Bitset, row: number, member: boolean): void {
	if (member) set.add(row)
	else set.delete(row)
}

function grown(column: Float64Array<ArrayBuffer>, rows: number): Float64Array<ArrayBuffer> {
	const larger = new Float64Array(rows)
	larger.set(column)
	return larger
}

function addTo(counts: Map<string, Map<number, number>>, key: string, row: number, amount: number): void {
	let rows = counts.get(key)
	if (!rows) {
		rows = new Map()
		counts.set(key, rows)
	}
	const count = (rows.get(row) ?? 0) + amount
	if (count !== 0) rows.set(row, count)
	else rows.delete(row)
	if (rows.size === 0) counts.delete(key)
}

function sameReserved(a: Reserved | undefined, b: Reserved | undefined): boolean {
	return a?.id === b?.id && a?.owner === b?.owner && a?.replicas === b?.replicas
}

function sameTerms(a: NodeStatus, b: NodeStatus): boolean {
	if (a.arch !== b.arch || a.os !== b.os || a.name !== b.name || a.gateway !== b.gateway) return false
	if (a.labels === b.labels) return true
	const before = Object.entries(a.labels)
	return (
		before.length === Object.keys(b.labels).length &&
		before.every(([label, value]) => Object.hasOwn(b.labels, label) && b.labels[label] === value)
	)
}
