import { pathToFileURL } from 'node:url'
import type { NodeView, Requirements } from '../../agent/protocol/index.ts'
import type { Order } from '../../agent/scheduler/order.ts'
import { Scheduler } from '../../agent/scheduler/scheduler.ts'
import type { BenchRow } from './row.ts'

/**
 * Decisions over 1,000 nodes, every specification another, ten nodes' statuses changed before each decision (as new
 * objects, the way gossip delivers them). The time counts the ten updates and the decision; `explain` is measured apart.
 */
const NODES = 1000
const CHANGED = 10
const WARM_UP = 5_000
const DECISIONS = 30_000
const EXPLANATIONS = 200
const GOAL = { perSecond: 10_000, p99Ms: 0.5 }

const GiB = 1024 ** 3
const OWNERS = 300
const WORKLOADS_EACH = 20
const IMAGES_EACH = 30

/** mulberry32: the same nodes and orders in each run, so that two runs can be compared. */
function seeded(seed: number): (below: number) => number {
	let state = seed
	return (below) => {
		state = (state + 0x6d2b79f5) | 0
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
		return ((mixed ^ (mixed >>> 14)) >>> 0) % below
	}
}

function nodeView(id: number, sequence: number, random: (below: number) => number): NodeView {
	const cpus = 2 << (id % 4)
	const memoryBytes = cpus * 4 * GiB
	return {
		status: {
			peerId: `12D3KooWBench${String(id).padStart(38, '0')}`,
			name: `node-${id}`,
			incarnation: 1,
			sequence,
			labels: { zone: `z${id % 5}`, disk: id % 3 === 0 ? 'ssd' : 'hdd', rack: `r${id % 40}` },
			capacity: { cpus, memoryBytes, diskBytes: 200 * GiB },
			allocated: { cpus: random(cpus * 30) / 10, memoryBytes: random(memoryBytes), diskBytes: random(150) * GiB },
			arch: id % 4 === 0 ? 'aarch64' : 'x86_64',
			os: 'linux',
			engine: { ready: id % 50 !== 0, reason: null, version: '20.10.24' },
			gateway: id % 20 === 0,
			relay: false,
			restUrl: null,
			images: Array.from({ length: IMAGES_EACH }, (_, i) => `registry.example/app-${(id * 7 + i) % 400}:1.0`),
			recentFailures: random(10) === 0 ? 1 : 0,
			// The last workload changes with the sequence: a node mostly gains or loses one.
			workloads: Array.from({ length: WORKLOADS_EACH }, (_, i) => ({
				id: `w_${id}_${i === WORKLOADS_EACH - 1 ? sequence : i}`,
				owner: `u_${(id + i) % OWNERS}`,
				replicas: 1,
			})),
			version: '0.1.0',
			addresses: [`/ip4/10.0.${id >> 8}.${id & 255}/tcp/4100`],
		},
		liveness: id % 97 === 0 ? 'suspect' : 'alive',
		lastSeenAt: '2026-11-24T12:00:00.000Z',
		roundTripMs: random(80),
	}
}

function onWire(view: NodeView): NodeView {
	return JSON.parse(JSON.stringify(view)) as NodeView
}

function orderOf(number: number, random: (below: number) => number): Order {
	const constraints: Requirements['constraints'] = {}
	if (number % 3 === 0) constraints.arch = 'amd64'
	if (number % 7 === 0) constraints.zone = `z${random(5)}`
	return {
		requirements: {
			// Never the same twice: a cache of answers would gain nothing.
			memoryBytes: 64 * 1024 ** 2 + number * 4096,
			cpus: (1 + random(19)) / 10,
			replicas: 1,
			constraints,
			node: null,
			image: `registry.example/app-${random(400)}:1.0`,
			volumes: number % 4 === 0,
		},
		owner: `u_${random(OWNERS)}`,
		workloadId: `w_new_${number}`,
		replicas: [0],
	}
}

function percentile(sorted: Float64Array, share: number): number {
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export async function run(): Promise<BenchRow[]> {
	const random = seeded(20261124)
	const scheduler = new Scheduler()
	for (let id = 0; id < NODES; id++) scheduler.update(nodeView(id, 0, random))

	const elapsed = new Float64Array(DECISIONS)
	let chosen = 0
	for (let number = -WARM_UP; number < DECISIONS; number++) {
		// Decoded from the wire before the clock starts: fresh objects and strings, but parsing is not the scheduler's work.
		const changes = Array.from({ length: CHANGED }, () => onWire(nodeView(random(NODES), number + WARM_UP, random)))
		const order = orderOf(number + WARM_UP, random)
		const start = performance.now()
		for (const change of changes) scheduler.update(change)
		const choices = scheduler.decide(order)
		if (number >= 0) elapsed[number] = performance.now() - start
		chosen += choices.length
	}
	if (chosen === 0) throw new Error('no order found a node: the bench measures nothing')

	const explained = new Float64Array(EXPLANATIONS)
	for (let number = 0; number < EXPLANATIONS; number++) {
		const order = orderOf(number, random)
		const start = performance.now()
		scheduler.explain(order, { at: '2026-11-24T12:00:00.000Z', by: 'bench' })
		explained[number] = performance.now() - start
	}

	const perSecond = (DECISIONS / elapsed.reduce((sum, ms) => sum + ms, 0)) * 1000
	elapsed.sort()
	explained.sort()
	const p99 = percentile(elapsed, 0.99)
	const row = (name: string, value: number, unit: string, goal: string | null = null, ok = true): BenchRow => ({
		name: `scheduler: ${name}`,
		value: Number(value.toPrecision(4)),
		unit,
		goal,
		ok,
	})
	return [
		row(
			'decisions over 1,000 nodes, 10 changed between',
			perSecond,
			'/s',
			`>= ${GOAL.perSecond}`,
			perSecond >= GOAL.perSecond,
		),
		row('decision p50', percentile(elapsed, 0.5), 'ms'),
		row('decision p99', p99, 'ms', `<= ${GOAL.p99Ms}`, p99 <= GOAL.p99Ms),
		row('full explanation p50', percentile(explained, 0.5), 'ms'),
		row('full explanation p99', percentile(explained, 0.99), 'ms'),
	]
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
	console.log(JSON.stringify(await run(), null, 2))
}
