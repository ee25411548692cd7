import type { Ask } from './ask.ts'
import {
	CPU_OVERCOMMIT,
	cpusExist,
	cpusFit,
	diskFits,
	diskFloor,
	freeCpus,
	freeMemory,
	memoryFits,
} from './capacity.ts'
import type { NodeIndex } from './node-index.ts'
import { comparedBytes, coresText, countText } from './quantity.ts'
import { labelValue } from './terms.ts'

type Reason = (index: NodeIndex, row: number, ask: Ask) => string | null

/**
 * Why a node cannot run a replica; the first reason counts. The order is that of the remedy: a node that is away is not
 * blamed for its memory. `passing` and `fits` are the same tests for the whole view at once.
 */
const FILTERS: readonly Reason[] = [
	(index, row) => {
		const view = index.viewAt(row)
		return index.alive.has(row) ? null : `is ${view.liveness}, last seen ${view.lastSeenAt}`
	},
	(index, row) => {
		if (index.engineReady.has(row)) return null
		return `its container engine is not ready: ${index.viewAt(row).status.engine.reason ?? 'no reason given'}`
	},
	(_index, row, ask) =>
		ask.excluded.has(row) ? 'was ruled out for this order: it refused it, or the caller said so' : null,
	(index, row, ask) => {
		const missing = ask.constraints.find((constraint) => !constraint.rows?.has(row))
		if (!missing) return null
		const value = labelValue(index.viewAt(row).status, missing.label)
		const found = value === null ? `has no label ${missing.label}` : `has ${missing.label}=${value}`
		return `needs ${missing.label}=${missing.value}, ${found}`
	},
	(index, row, ask) => {
		if (memoryFits(index, row, ask)) return null
		const [needed, free] = comparedBytes(ask.requirements.memoryBytes, Math.max(0, freeMemory(index, row, ask)))
		return `needs ${needed} memory, ${free} free${afterOthers(row, ask)}`
	},
	(index, row, ask) => {
		if (cpusExist(index, row, ask)) return null
		return `needs ${coresText(ask.requirements.cpus)} cpus, it has ${coresText(index.cpus[row] ?? 0)}`
	},
	(index, row, ask) => {
		if (cpusFit(index, row, ask)) return null
		const cores = coresText(index.cpus[row] ?? 0)
		const free = coresText(Math.max(0, freeCpus(index, row, ask)))
		return `needs ${coresText(ask.requirements.cpus)} cpus, ${free} left of ${cores} × ${CPU_OVERCOMMIT} that may be promised${afterOthers(row, ask)}`
	},
	(index, row, ask) => {
		if (diskFits(index, row, ask)) return null
		const [floor, free] = comparedBytes(diskFloor(ask), Math.max(0, index.freeDisk[row] ?? 0))
		return `needs ${floor} free disk, ${free} free`
	},
]

function afterOthers(row: number, ask: Ask): string {
	const taken = ask.taken[row] ?? 0
	return taken === 0 ? '' : ` after ${countText(taken, 'replica')} of this order`
}

/** A sentence with numbers, or null when the node can run one more replica. */
export function rejection(index: NodeIndex, row: number, ask: Ask): string | null {
	for (const reason of FILTERS) {
		const sentence = reason(index, row, ask)
		if (sentence !== null) return sentence
	}
	return null
}

/** The rows that pass every filter of membership: alive, engine, constraints, not excluded. */
export function passing(index: NodeIndex, ask: Ask, words: Uint32Array): number {
	const count = Math.min(words.length, index.alive.words.length)
	for (let word = 0; word < count; word++) {
		let rows = (index.alive.words[word] as number) & (index.engineReady.words[word] ?? 0)
		for (const constraint of ask.constraints) rows &= constraint.rows?.words[word] ?? 0
		words[word] = rows
	}
	for (const row of ask.excluded) {
		if (row >= 0 && row >>> 5 < count) words[row >>> 5] = (words[row >>> 5] as number) & ~(1 << (row & 31))
	}
	return count
}

/** The filters of quantity, cheapest and most often decisive first. */
export function fits(index: NodeIndex, row: number, ask: Ask): boolean {
	return (
		memoryFits(index, row, ask) && cpusFit(index, row, ask) && cpusExist(index, row, ask) && diskFits(index, row, ask)
	)
}
