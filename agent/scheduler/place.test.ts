import { describe, expect, it } from 'vitest'
import type { NodeStatus, NodeView, Requirements } from '../protocol/index.ts'
import { Placement } from '../protocol/index.ts'
import { admissionRefusal, type PlaceInput, place } from './place.ts'

const GiB = 1024 ** 3
const AT = '2026-11-24T12:00:00.000Z'

function node(name: string, status: Partial<NodeStatus> = {}, view: Partial<NodeView> = {}): NodeView {
	return {
		status: {
			peerId: `12D3KooW${name}`,
			name,
			incarnation: 1,
			sequence: 1,
			labels: {},
			capacity: { cpus: 2, memoryBytes: 4 * GiB, diskBytes: 50 * GiB },
			allocated: { cpus: 0, memoryBytes: 0, diskBytes: 0 },
			arch: 'x86_64',
			os: 'linux',
			engine: { ready: true, reason: null, version: '20.10.24' },
			gateway: false,
			relay: false,
			restUrl: null,
			images: [],
			recentFailures: 0,
			workloads: [],
			version: '0.1.0',
			addresses: [],
			...status,
		},
		liveness: 'alive',
		lastSeenAt: AT,
		roundTripMs: 1,
		...view,
	}
}

function needs(requirements: Partial<Requirements> = {}): Requirements {
	return {
		memoryBytes: GiB,
		cpus: 0.5,
		replicas: 1,
		constraints: {},
		node: null,
		image: 'postgres:17',
		volumes: false,
		...requirements,
	}
}

function placed(
	nodes: NodeView[],
	requirements: Partial<Requirements> = {},
	rest: Partial<PlaceInput> = {},
): Placement {
	const placement = place({
		nodes,
		requirements: needs(requirements),
		owner: 'u_1',
		workloadId: 'w_00000000000000000001',
		replicas: [0],
		by: '12D3KooWh1',
		at: AT,
		...rest,
	})
	return Placement.parse(placement)
}

const names = (placement: Placement) => placement.chosen.map((choice) => choice.node.name)
const memory = (bytes: number) => ({ capacity: { cpus: 2, memoryBytes: bytes, diskBytes: 50 * GiB } })

describe('rejections are sentences with numbers', () => {
	const cases: [string, NodeView, Partial<Requirements>, string][] = [
		['a node that is down', node('a', {}, { liveness: 'down' }), {}, `is down, last seen ${AT}`],
		['a suspect', node('a', {}, { liveness: 'suspect' }), {}, `is suspect, last seen ${AT}`],
		[
			'an engine that does not answer',
			node('a', { engine: { ready: false, reason: 'start dockerd', version: null } }),
			{},
			'its container engine is not ready: start dockerd',
		],
		['memory', node('a', memory(1.3 * GiB)), { memoryBytes: 2 * GiB }, 'needs 2.0 GiB memory, 1.3 GiB free'],
		[
			'memory that looks the same in GiB',
			node('a', memory(2 * GiB - 5 * 1024 ** 2)),
			{ memoryBytes: 2 * GiB },
			'needs 2048.0 MiB memory, 2043.0 MiB free',
		],
		['more cpus than exist', node('a'), { cpus: 3 }, 'needs 3 cpus, it has 2'],
		[
			'cpus promised beyond the factor',
			node('a', { allocated: { cpus: 7.8, memoryBytes: 0, diskBytes: 0 } }),
			{ cpus: 0.5 },
			'needs 0.5 cpus, 0.2 left of 2 × 4 that may be promised',
		],
		[
			'disk',
			node('a', { allocated: { cpus: 0, memoryBytes: 0, diskBytes: 49.5 * GiB } }),
			{},
			'needs 1.0 GiB free disk, 0.5 GiB free',
		],
		[
			'disk for a volume',
			node('a', { allocated: { cpus: 0, memoryBytes: 0, diskBytes: 48.5 * GiB } }),
			{ volumes: true },
			'needs 2.0 GiB free disk, 1.5 GiB free',
		],
		['a label that is absent', node('a'), { constraints: { zone: 'eu' } }, 'needs zone=eu, has no label zone'],
		[
			'a label of another value',
			node('a', { labels: { zone: 'us' } }),
			{ constraints: { zone: 'eu' } },
			'needs zone=eu, has zone=us',
		],
		['another processor', node('a'), { constraints: { arch: 'arm64' } }, 'needs arch=arm64, has arch=amd64'],
		[
			'a label that pretends to be the processor',
			node('a', { labels: { arch: 'arm64' } }),
			{ constraints: { arch: 'arm64' } },
			'needs arch=arm64, has arch=amd64',
		],
		['another node by name', node('a'), { node: 'b' }, 'needs node=b, has node=a'],
		['no gateway', node('a'), { constraints: { gateway: 'true' } }, 'needs gateway=true, has gateway=false'],
	]
	it.each(cases)('%s', (_what, view, requirements, reason) => {
		const placement = placed([view], requirements)
		expect(placement).toMatchObject({ chosen: [], candidates: [], rejected: [{ node: { name: 'a' }, reason }] })
	})

	it('an excluded node', () => {
		const placement = placed([node('a'), node('b')], {}, { exclude: ['12D3KooWb', 'a stranger'] })
		expect(names(placement)).toEqual(['a'])
		expect(placement.rejected).toEqual([
			{ node: { peerId: '12D3KooWb', name: 'b' }, reason: expect.stringContaining('ruled out') },
		])
	})
})

describe('constraints', () => {
	it.each(['x64', 'amd64', 'x86_64'])('knows %s as the same processor', (arch) => {
		expect(names(placed([node('a')], { constraints: { arch } }))).toEqual(['a'])
	})
	it('finds the one node by its name, its peer id, or the pseudo labels', () => {
		const nodes = [node('a'), node('b'), node('c')]
		expect(names(placed(nodes, { node: 'b' }))).toEqual(['b'])
		expect(names(placed(nodes, { node: '12D3KooWc' }))).toEqual(['c'])
		expect(names(placed(nodes, { constraints: { name: 'a', os: 'linux' } }))).toEqual(['a'])
	})
	it('does not confuse a label with "=" in a constraint', () => {
		expect(names(placed([node('a', { labels: { x: 'y=z' } })], { constraints: { 'x=y': 'z' } }))).toEqual([])
	})
})

describe('preferences', () => {
	it('the node with the most room', () => {
		expect(
			names(placed([node('h1', memory(2 * GiB)), node('h2', memory(2 * GiB)), node('h3', memory(8 * GiB))])),
		).toEqual(['h3'])
	})
	it('the node that has the image, however it is spelt', () => {
		expect(names(placed([node('a'), node('b', { images: ['docker.io/library/postgres:17'] })]))).toEqual(['b'])
		expect(names(placed([node('a'), node('b', { images: ['postgres:latest'] })], { image: 'postgres' }))).toEqual(['b'])
	})
	it('not the node where placements failed lately', () => {
		expect(names(placed([node('a', { recentFailures: 2, images: ['postgres:17'] }), node('b')]))).toEqual(['a'])
		expect(names(placed([node('a', { recentFailures: 9 }), node('b')]))).toEqual(['b'])
	})
	it('the node that holds less of the same owner', () => {
		const workloads = [{ id: 'w_other', owner: 'u_1', replicas: 2 }]
		expect(names(placed([node('a', { workloads }), node('b')]))).toEqual(['b'])
	})
	it('the nearer of two equals', () => {
		expect(names(placed([node('a', {}, { roundTripMs: 80 }), node('b', {}, { roundTripMs: 2 })]))).toEqual(['b'])
	})
	it('equals are chosen evenly by different workloads', () => {
		const nodes = ['a', 'b', 'c', 'd'].map((name) => node(name))
		const counts = new Map<string | undefined, number>()
		for (let i = 0; i < 400; i++) {
			const name = names(placed(nodes, {}, { workloadId: `w_${i}` }))[0]
			counts.set(name, (counts.get(name) ?? 0) + 1)
		}
		for (const name of ['a', 'b', 'c', 'd']) expect(counts.get(name)).toBeGreaterThan(60)
	})
})

describe('replicas', () => {
	it('spread over all nodes before any gets a second, however crowded', () => {
		const crowded = node('c', {
			allocated: { cpus: 7, memoryBytes: 2.9 * GiB, diskBytes: 0 },
			recentFailures: 9,
		})
		const nodes = [node('a', { images: ['postgres:17'] }), node('b', memory(64 * GiB)), crowded]
		expect(names(placed(nodes, {}, { replicas: [0, 1, 2] })).sort()).toEqual(['a', 'b', 'c'])
	})
	it('count those that run already', () => {
		const workloads = [{ id: 'w_00000000000000000001', owner: 'u_1', replicas: 1 }]
		const placement = placed([node('a', { workloads, ...memory(64 * GiB) }), node('b')], {}, { replicas: [4] })
		expect(placement.chosen).toEqual([{ replica: 4, node: { peerId: '12D3KooWb', name: 'b' } }])
	})
	it('see what the ones before took, and say so when one finds no room', () => {
		const placement = placed([node('a', memory(2.5 * GiB)), node('b', memory(1 * GiB))], {}, { replicas: [0, 1, 2, 3] })
		expect(names(placement).sort()).toEqual(['a', 'a', 'b'])
		expect(placement.candidates).toHaveLength(2)
		expect(placement.rejected.map((entry) => entry.reason)).toEqual([
			'needs 1.0 GiB memory, 0.5 GiB free after 2 replicas of this order',
			'needs 1.0 GiB memory, 0.0 GiB free after 1 replica of this order',
		])
	})
})

describe('the host judges with the same filters', () => {
	const { status } = node('a', memory(2.5 * GiB))
	it('admits what fits', () => expect(admissionRefusal(status, needs(), 2, AT)).toBeNull())
	it('refuses with numbers', () => {
		expect(admissionRefusal(status, needs(), 3, AT)).toBe(
			'needs 1.0 GiB memory, 0.5 GiB free after 2 replicas of this order',
		)
		expect(admissionRefusal(status, needs({ memoryBytes: 3 * GiB }), 1, AT)).toBe('needs 3.0 GiB memory, 2.5 GiB free')
	})
})
