import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NodeView, Requirements } from '../protocol/index.ts'
import type { Order } from './order.ts'
import { place } from './place.ts'
import { hashName, rendezvousWeight } from './rendezvous.ts'
import { Scheduler } from './scheduler.ts'

const MiB = 1024 ** 2
const IMAGES = ['nginx:1', 'postgres:17', 'quay.io/minio/minio:1'] as const
const OWNERS = ['u_1', 'u_2'] as const
const WORKLOADS = ['w_1', 'w_2', 'w_3', 'w_4'] as const

const someOf = <T>(values: readonly T[]) => fc.uniqueArray(fc.constantFrom(...values), { maxLength: values.length })

const nodeView = (id: number): fc.Arbitrary<NodeView> =>
	fc
		.record({
			zone: fc.constantFrom('eu', 'us', null),
			cpus: fc.integer({ min: 1, max: 8 }),
			memory: fc.integer({ min: 1, max: 16 }),
			memoryUsed: fc.integer({ min: 0, max: 16 }),
			cpusUsed: fc.integer({ min: 0, max: 80 }),
			diskUsed: fc.constantFrom(0, 18, 19, 20),
			arch: fc.constantFrom('x86_64', 'arm64'),
			gateway: fc.boolean(),
			ready: fc.boolean(),
			images: someOf(IMAGES),
			failures: fc.integer({ min: 0, max: 3 }),
			held: someOf(WORKLOADS),
			liveness: fc.constantFrom('alive', 'alive', 'alive', 'suspect', 'down', 'left'),
			roundTripMs: fc.constantFrom(null, 0.5, 20, 200),
			sequence: fc.integer({ min: 0, max: 1000 }),
		})
		.map((facts) => ({
			status: {
				peerId: `12D3KooW${id}`,
				name: `n${id}`,
				incarnation: 1,
				sequence: facts.sequence,
				labels: (facts.zone === null ? {} : { zone: facts.zone }) as Record<string, string>,
				capacity: { cpus: facts.cpus, memoryBytes: facts.memory * 512 * MiB, diskBytes: 20 * 1024 * MiB },
				allocated: {
					cpus: facts.cpusUsed / 10,
					memoryBytes: Math.min(facts.memory, facts.memoryUsed) * 512 * MiB,
					diskBytes: facts.diskUsed * 1024 * MiB,
				},
				arch: facts.arch,
				os: 'linux',
				engine: { ready: facts.ready, reason: null, version: null },
				gateway: facts.gateway,
				relay: false,
				restUrl: null,
				images: facts.images,
				recentFailures: facts.failures,
				workloads: facts.held.map((workload, i) => ({ id: workload, owner: OWNERS[i % 2] ?? 'u_1', replicas: 1 })),
				version: '0',
				addresses: [],
			},
			liveness: facts.liveness,
			lastSeenAt: '2026-11-24T12:00:00.000Z',
			roundTripMs: facts.roundTripMs,
		}))

const views = fc
	.integer({ min: 0, max: 70 })
	.chain((count) => fc.tuple(...Array.from({ length: count }, (_, id) => nodeView(id))))

const order: fc.Arbitrary<Order> = fc.record({
	requirements: fc.record({
		memoryBytes: fc.integer({ min: 1, max: 6 }).map((halves) => halves * 256 * MiB),
		cpus: fc.constantFrom(0.1, 0.5, 1, 3),
		replicas: fc.constant(1),
		constraints: fc.constantFrom<Record<string, string>>(
			{},
			{},
			{ zone: 'eu' },
			{ arch: 'amd64' },
			{ arch: 'arm64', zone: 'us' },
			{ gateway: 'true' },
			{ unknown: 'x' },
		),
		node: fc.constantFrom(null, null, null, null, 'n3', '12D3KooW5'),
		image: fc.constantFrom(...IMAGES),
		volumes: fc.boolean(),
	}),
	owner: fc.constantFrom(...OWNERS),
	workloadId: fc.constantFrom(...WORKLOADS),
	replicas: fc.integer({ min: 1, max: 8 }).map((count) => Array.from({ length: count }, (_, i) => i)),
	exclude: fc.constantFrom([], ['12D3KooW1'], ['12D3KooW1', 'nobody']),
})

const AS = { by: 'me', at: '2026-11-24T12:00:00.000Z' }

/** What a person would write over plain views, without columns, bitsets or scratch counts: the thing to agree with. */
function naively(nodes: NodeView[], { requirements, owner, workloadId, replicas, exclude }: Order): string[] {
	const chosen: string[] = []
	const taken = (peerId: string) => chosen.filter((other) => other === peerId).length
	for (const _ of replicas) {
		const ranked = nodes
			.filter((node) => acceptable(node, requirements, exclude ?? [], taken(node.status.peerId)))
			.map(({ status, roundTripMs }) => {
				const mine = taken(status.peerId)
				const held = (match: (workload: { id: string; owner: string }) => boolean) =>
					status.workloads.filter(match).reduce((sum, workload) => sum + workload.replicas, mine)
				const memoryLeft =
					status.capacity.memoryBytes - status.allocated.memoryBytes - (mine + 1) * requirements.memoryBytes
				const cpuLimit = status.capacity.cpus * 4
				const cpusLeft = cpuLimit - (status.allocated.cpus + mine * requirements.cpus) - requirements.cpus
				const points = [
					-100 * held((workload) => workload.id === workloadId),
					30 * (memoryLeft / status.capacity.memoryBytes),
					20 / (1 + status.recentFailures),
					15 * (cpusLeft / cpuLimit),
					status.images.includes(requirements.image) ? 15 : 0,
					10 / (1 + held((workload) => workload.owner === owner)),
					5 * (roundTripMs === null ? 0.5 : 100 / (100 + roundTripMs)),
				]
				return {
					peerId: status.peerId,
					score: points.reduce((sum, point) => sum + Math.round(point * 10 + 1e-9), 0),
					tie: rendezvousWeight(hashName(workloadId), hashName(status.peerId)),
				}
			})
			.sort((a, b) => b.score - a.score || b.tie - a.tie)
		if (!ranked[0]) break
		chosen.push(ranked[0].peerId)
	}
	return chosen
}

function acceptable({ status, liveness }: NodeView, wanted: Requirements, exclude: readonly string[], taken: number) {
	const labels: Record<string, string> = {
		...status.labels,
		arch: status.arch === 'x86_64' ? 'amd64' : status.arch,
		gateway: String(status.gateway),
	}
	const free = status.capacity.memoryBytes - status.allocated.memoryBytes - taken * wanted.memoryBytes
	const promised = status.allocated.cpus + (taken + 1) * wanted.cpus
	return (
		liveness === 'alive' &&
		status.engine.ready &&
		!exclude.includes(status.peerId) &&
		(wanted.node === null || wanted.node === status.name || wanted.node === status.peerId) &&
		Object.entries(wanted.constraints).every(([label, value]) => labels[label] === value) &&
		wanted.memoryBytes <= free &&
		wanted.cpus <= status.capacity.cpus &&
		promised <= status.capacity.cpus * 4 + 1e-9 &&
		status.capacity.diskBytes - status.allocated.diskBytes >= (wanted.volumes ? 2 : 1) * 1024 * MiB
	)
}

const idsOf = (choices: { node: { peerId: string } }[]) => choices.map((choice) => choice.node.peerId)

describe('every placement', () => {
	it('never over-commits memory and never lands on a node that fails a constraint', () => {
		fc.assert(
			fc.property(views, order, (nodes, wanted) => {
				const used = new Map<string, number>()
				for (const peerId of idsOf(place({ ...wanted, nodes, ...AS }).chosen)) {
					const node = nodes.find(({ status }) => status.peerId === peerId)
					if (!node) throw new Error('placed on a node that is not in the view')
					expect(acceptable(node, wanted.requirements, wanted.exclude ?? [], used.get(peerId) ?? 0)).toBe(true)
					used.set(peerId, (used.get(peerId) ?? 0) + 1)
				}
			}),
			{ numRuns: 300 },
		)
	})

	it('agrees with the naive ranking, and so does decide', () => {
		fc.assert(
			fc.property(views, order, (nodes, wanted) => {
				const expected = naively(nodes, wanted)
				const scheduler = new Scheduler()
				for (const node of nodes) scheduler.update(node)
				expect(idsOf(scheduler.decide(wanted))).toEqual(expected)
				expect(idsOf(place({ ...wanted, nodes, ...AS }).chosen)).toEqual(expected)
			}),
			{ numRuns: 300 },
		)
	})

	it('is the same whatever the order in which the view was learnt', () => {
		fc.assert(
			fc.property(views, order, (nodes, wanted) => {
				const reversed = [...nodes].reverse()
				expect(place({ ...wanted, nodes: reversed, ...AS })).toEqual(place({ ...wanted, nodes, ...AS }))
			}),
			{ numRuns: 100 },
		)
	})

	it('explains every node once, best first, with scores that add up', () => {
		fc.assert(
			fc.property(views, order, (nodes, wanted) => {
				const { chosen, candidates, rejected } = place({ ...wanted, nodes, replicas: [0], ...AS })
				expect(chosen[0]?.node).toEqual(candidates[0]?.node)
				expect([...idsOf(candidates), ...idsOf(rejected)].sort()).toEqual(
					nodes.map(({ status }) => status.peerId).sort(),
				)
				let previous = Number.POSITIVE_INFINITY
				for (const { score, reasons } of candidates) {
					expect(reasons.reduce((sum, reason) => sum + reason.score, 0)).toBeCloseTo(score, 6)
					expect(score).toBeLessThanOrEqual(previous)
					previous = score
				}
			}),
			{ numRuns: 100 },
		)
	})
})

describe('the index', () => {
	type Change = { kind: 'update'; node: NodeView } | { kind: 'remove'; peerId: string }
	const change: fc.Arbitrary<Change> = fc.integer({ min: 0, max: 40 }).chain((id) =>
		fc.oneof(
			{
				weight: 4,
				arbitrary: nodeView(id).map((node): Change => ({ kind: 'update', node })),
			},
			{ weight: 1, arbitrary: fc.constant<Change>({ kind: 'remove', peerId: `12D3KooW${id}` }) },
		),
	)

	it('after any history answers as one built from what is left', () => {
		fc.assert(
			fc.property(
				fc.array(change, { maxLength: 120 }),
				fc.array(order, { minLength: 1, maxLength: 4 }),
				(changes, orders) => {
					const scheduler = new Scheduler()
					const left = new Map<string, NodeView>()
					for (const step of changes) {
						if (step.kind === 'update') {
							scheduler.update(step.node)
							left.set(step.node.status.peerId, step.node)
						} else {
							scheduler.remove(step.peerId)
							left.delete(step.peerId)
						}
					}
					expect(scheduler.size).toBe(left.size)
					for (const wanted of orders) {
						expect(scheduler.explain(wanted, AS)).toEqual(place({ ...wanted, nodes: [...left.values()], ...AS }))
					}
				},
			),
			{ numRuns: 200 },
		)
	})
})
