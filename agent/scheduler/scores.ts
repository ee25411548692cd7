import type { ScoreReason } from '../protocol/index.ts'
import type { Ask } from './ask.ts'
import { CPU_OVERCOMMIT, freeCpus, freeMemory } from './capacity.ts'
import type { NodeIndex } from './node-index.ts'
import { coresText, countText, percentText } from './quantity.ts'

/** Points are kept in whole tenths: they add up exactly, and nodes that differ by less are equals, so a crowd of entry
 * nodes with almost the same view does not run to the one that leads by a hair (the rendezvous order parts them). */
const TENTHS = 10

interface Score {
	name: string
	weight: number
	/** 0 (worst) to 1 (best), times the weight; a spread may be below 0 */
	value: (index: NodeIndex, row: number, ask: Ask) => number
	detail: (index: NodeIndex, row: number, ask: Ask) => string
}

function share(part: number, whole: number): number {
	return whole > 0 ? part / whole : 0
}

function memoryLeft(index: NodeIndex, row: number, ask: Ask): number {
	return share(freeMemory(index, row, ask) - ask.requirements.memoryBytes, index.memory[row] as number)
}

function cpusLeft(index: NodeIndex, row: number, ask: Ask): number {
	return share(freeCpus(index, row, ask) - ask.requirements.cpus, (index.cpus[row] as number) * CPU_OVERCOMMIT)
}

function siblings(_index: NodeIndex, row: number, ask: Ask): number {
	return -(ask.workloadReplicas[row] as number)
}

function ownerShare(_index: NodeIndex, row: number, ask: Ask): number {
	return 1 / (1 + (ask.ownerReplicas[row] as number))
}

function imageThere(_index: NodeIndex, row: number, ask: Ask): number {
	return ask.image?.has(row) ? 1 : 0
}

function reliability(index: NodeIndex, row: number): number {
	return 1 / (1 + Math.max(0, index.failures[row] as number))
}

/** Half the points at 100 ms; a node that was not probed yet is neither favoured nor punished. */
function nearness(index: NodeIndex, row: number): number {
	const milliseconds = index.roundTripMs[row] as number
	return Number.isNaN(milliseconds) ? 0.5 : 100 / (100 + Math.max(0, milliseconds))
}

const WEIGHT = {
	/** more than all others together: replicas exist to survive a node, so they share one only when nothing else fits */
	spread: 100,
	/** what a node runs out of first, and what kills when it does */
	memory: 30,
	/** a node that failed twice lately loses more than a pull costs */
	reliability: 20,
	/** shared, so less pressing than memory */
	cpus: 15,
	/** a pull takes seconds to minutes, but a crowded node stays crowded for its whole life */
	image: 15,
	/** one person's services should not all end with one machine */
	owner: 10,
	/** matters to the person at the keyboard, little to what runs */
	nearness: 5,
} as const

/** The one table: what counts, how much, and how it is told. */
export const SCORES: readonly Score[] = [
	{
		name: 'spread',
		weight: WEIGHT.spread,
		value: siblings,
		detail: (_index, row, ask) => {
			const count = ask.workloadReplicas[row] ?? 0
			return count === 0
				? 'runs no other replica of this workload'
				: `runs ${countText(count, 'replica')} of this workload`
		},
	},
	{
		name: 'memory',
		weight: WEIGHT.memory,
		value: memoryLeft,
		detail: (index, row, ask) => `${percentText(memoryLeft(index, row, ask))} of its memory stays free`,
	},
	{
		name: 'reliability',
		weight: WEIGHT.reliability,
		value: reliability,
		detail: (index, row) => {
			const count = index.failures[row] ?? 0
			return count === 0 ? 'no placement failed here lately' : `${countText(count, 'placement')} failed here lately`
		},
	},
	{
		name: 'cpus',
		weight: WEIGHT.cpus,
		value: cpusLeft,
		detail: (index, row, ask) =>
			`${percentText(cpusLeft(index, row, ask))} of its ${coresText(index.cpus[row] ?? 0)} cpus (each promised up to ${CPU_OVERCOMMIT} times) stays free`,
	},
	{
		name: 'image',
		weight: WEIGHT.image,
		value: imageThere,
		detail: (_index, row, ask) => (ask.image?.has(row) ? 'has the image' : 'has to pull the image'),
	},
	{
		name: 'owner',
		weight: WEIGHT.owner,
		value: ownerShare,
		detail: (_index, row, ask) => {
			const count = ask.ownerReplicas[row] ?? 0
			return count === 0 ? 'runs nothing of this owner' : `runs ${countText(count, 'replica')} of this owner`
		},
	},
	{
		name: 'nearness',
		weight: WEIGHT.nearness,
		value: nearness,
		detail: (index, row) => {
			const milliseconds = index.roundTripMs[row] ?? Number.NaN
			return Number.isNaN(milliseconds) ? 'was not probed yet' : `answers in ${milliseconds.toFixed(1)} ms`
		},
	},
]

/** Sums of decimal fractions of cores miss a half by the last bit, on one side or the other by the order of summing. */
const LAST_BITS = 1e-9

function tenths(weight: number, value: number): number {
	return Math.round(weight * TENTHS * value + LAST_BITS)
}

/** The part of a total that no order changes, kept by the index when a node changes. */
export function standingTenths(index: NodeIndex, row: number): number {
	return tenths(WEIGHT.reliability, reliability(index, row)) + tenths(WEIGHT.nearness, nearness(index, row))
}

/**
 * What a node scores at most, its image aside: for an order that needs nothing, of an owner who has nothing there. Most
 * nodes of a large view are passed over by this one number (branch and bound); rounding is monotonic, so it never lies.
 */
export function ceilingTenths(index: NodeIndex, row: number): number {
	const promisable = (index.cpus[row] as number) * CPU_OVERCOMMIT
	return (
		standingTenths(index, row) +
		tenths(WEIGHT.memory, share(index.freeMemory[row] as number, index.memory[row] as number)) +
		tenths(WEIGHT.cpus, share(promisable - (index.reservedCpus[row] as number), promisable)) +
		tenths(WEIGHT.owner, 1)
	)
}

/** False when the ceiling shows that a node stays below `atLeast`. */
export function mayReach(index: NodeIndex, row: number, ask: Ask, atLeast: number): boolean {
	return (index.ceilingTenths[row] as number) + tenths(WEIGHT.image, imageThere(index, row, ask)) >= atLeast
}

/**
 * The total in tenths. It names each score instead of walking SCORES, so that the compiler can inline them: this is the
 * inner loop of every decision. A property test holds it equal to the sum of the table.
 */
export function totalTenths(index: NodeIndex, row: number, ask: Ask): number {
	return (
		(index.standingTenths[row] as number) +
		tenths(WEIGHT.spread, siblings(index, row, ask)) +
		tenths(WEIGHT.memory, memoryLeft(index, row, ask)) +
		tenths(WEIGHT.cpus, cpusLeft(index, row, ask)) +
		tenths(WEIGHT.image, imageThere(index, row, ask)) +
		tenths(WEIGHT.owner, ownerShare(index, row, ask))
	)
}

export function pointsOf(totalInTenths: number): number {
	return totalInTenths / TENTHS
}

export function reasonsOf(index: NodeIndex, row: number, ask: Ask): ScoreReason[] {
	return SCORES.map((score) => ({
		name: score.name,
		// Adding zero turns the -0 of an empty spread into the 0 that people expect.
		score: pointsOf(tenths(score.weight, score.value(index, row, ask))) + 0,
		detail: score.detail(index, row, ask),
	}))
}
