import { setTimeout as sleep } from 'node:timers/promises'
import { type Box, cableUp, residentMiB } from './cables.ts'
import { type Contender, type Contestant, now } from './contestant.ts'
import { lattice } from './lattice-members.ts'
import { type BenchRow, percentile, row } from './row.ts'
import { serf } from './serf-members.ts'

export interface MembershipBench {
	sizes: readonly number[]
	/** changes that are followed to the last node */
	changes: number
	/** nodes that are killed, and then as many that are cut off; each is one sample */
	losses: number
	idleS: number
}

/** Gossip's own meshes form with its heartbeat. */
const SETTLE_MS = 5_000
const BETWEEN_MS = 200

/** The goals of issue 4; serf has none here, it is what they are read beside. */
const GOALS = { change: 100, killed: 1_000, cut: 3_000, idle: 2_000, alarms: 0 }

/**
 * Lattice's mesh and serf, one after the other in the same run: a process a node, each in a network namespace of its own
 * on one switch, so that a cut is a pulled cable and idle bytes are counted at the interface, headers included.
 */
export async function membership(bench: MembershipBench, say: (line: string) => void): Promise<BenchRow[]> {
	const rows: BenchRow[] = []
	for (const size of bench.sizes) {
		for (const contestant of [lattice, serf]) {
			say(`${contestant.name}, ${size} nodes …`)
			const { boxes, remove } = await cableUp(size)
			let nodes: Contender[] = []
			try {
				nodes = await contestant.start(boxes)
				rows.push(...(await measure(contestant, { boxes, nodes }, bench)))
			} finally {
				for (const node of nodes) node.kill()
				await remove()
			}
		}
	}
	return rows
}

async function measure(
	{ name }: Contestant,
	lab: { boxes: readonly Box[]; nodes: readonly Contender[] },
	{ changes, losses, idleS }: MembershipBench,
): Promise<BenchRow[]> {
	const { boxes, nodes } = lab
	const rows: BenchRow[] = []
	const goals = name === lattice.name
	const add = (what: string, value: number, unit: string, goal: number | null = null) =>
		rows.push(row(`${name}, ${nodes.length} nodes: ${what}`, value, unit, goals ? goal : null))
	await sleep(SETTLE_MS)

	const sentBefore = await Promise.all(boxes.map((box) => box.sentBytes()))
	await sleep(idleS * 1000)
	const sent = await Promise.all(boxes.map(async (box, index) => (await box.sentBytes()) - (sentBefore[index] ?? 0)))
	add('sent when idle, mean', mean(sent) / idleS, 'B/s', GOALS.idle)
	add('sent when idle, most', Math.max(...sent) / idleS, 'B/s')
	const alarms = await Promise.all(nodes.map((node) => node.missing()))
	add(
		'false alarms',
		alarms.reduce((sum, count) => sum + count, 0),
		'',
		GOALS.alarms,
	)
	const resident = await Promise.all(nodes.map(({ pid }) => residentMiB(pid)))
	add('resident, mean', mean(resident), 'MiB')

	const spread = await changesOf(nodes, changes)
	add('change → last node, p50', percentile(spread, 0.5), 'ms')
	add('change → last node, p99', percentile(spread, 0.99), 'ms', GOALS.change)

	// The last ones: the first is whom the others joined by.
	const living = nodes.map((node, index) => ({ node, number: index + 1 }))
	const killed = await lossesOf(living, losses, async ({ node }) => node.kill())
	add('SIGKILL → all know, p50', percentile(killed, 0.5), 'ms')
	add('SIGKILL → all know, worst', Math.max(...killed), 'ms', GOALS.killed)
	const cut = await lossesOf(living, losses, ({ number }) => boxes[number - 1]?.unplug())
	add('cut → all know, p50', percentile(cut, 0.5), 'ms')
	add('cut → all know, worst', Math.max(...cut), 'ms', GOALS.cut)
	return rows
}

async function changesOf(nodes: readonly Contender[], count: number): Promise<number[]> {
	const times: number[] = []
	for (let turn = 0; turn < count; turn++) {
		const index = turn % nodes.length
		const author = nodes[index] as Contender
		// Each node counts its own changes: the first is 1.
		const value = Math.floor(turn / nodes.length) + 1
		const others = nodes.filter((node) => node !== author)
		const said = await author.change(value)
		const heard = await Promise.all(others.map((node) => node.heard(index + 1, value)))
		times.push(Math.max(...heard) - said)
		await sleep(BETWEEN_MS)
	}
	return times
}

interface Living {
	node: Contender
	number: number
}

/** Takes the last of the living, one after the other; what is left of them is the survivors. */
async function lossesOf(
	living: Living[],
	count: number,
	lose: (victim: Living) => Promise<void> | undefined,
): Promise<number[]> {
	const times: number[] = []
	for (let turn = 0; turn < count && living.length > 2; turn++) {
		const victim = living.pop() as Living
		const began = now()
		await lose(victim)
		const known = await Promise.all(living.map(({ node }) => node.lost(victim.number)))
		times.push(Math.max(...known) - began)
		await sleep(SETTLE_MS)
	}
	return times
}

function mean(values: readonly number[]): number {
	return values.reduce((sum, value) => sum + value, 0) / values.length
}
