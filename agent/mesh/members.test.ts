import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { issueRevocation } from '../identity/index.ts'
import { signer } from '../membership/index.ts'
import { entryOf } from '../membership/virtual-lattice.fixture.ts'
import type { NodeView } from '../protocol/index.ts'
import { eventually } from './eventually.fixture.ts'
import { Members, type OwnStatus } from './members.ts'
import { Peers, type TestPeer } from './peers.fixture.ts'

/** 25 members in one process on a busy machine are slower than 25 machines. */
const PATIENT = { reach: 10_000, address: 10_000, admission: 30_000, ping: 600_000 }

interface Node extends TestPeer {
	members: Members
	offences: string[]
	/** what the engine reserved, the number that the tests change */
	reserve(bytes: number): void
}

let peers: Peers
let running: Members[]

beforeEach(async () => {
	peers = await Peers.create()
	running = []
})
afterEach(async () => {
	for (const members of running) members.stop()
	await peers.stop()
})

async function node(name: string, known: TestPeer[] = [], role: 'agent' | 'console' = 'agent'): Promise<Node> {
	const test = await peers.member(name, role, { timeouts: PATIENT })
	const { trust, certificate } = test.enrolment
	if (trust === null || certificate === null) throw new Error('a member is enrolled')
	const offences: string[] = []
	const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
	const members = new Members({
		peer: test.peer,
		key: test.key,
		trust,
		certificate: () => certificate,
		incarnation: 1,
		known: known.map(({ member }) => member),
		log,
		onOffence: ({ by, reason }) => offences.push(`${by}: ${reason}`),
	})
	running.push(members)
	members.start()
	const reserve = (bytes: number) => members.announce(statusOf(test, name, bytes))
	if (role === 'agent') reserve(0)
	return { ...test, members, offences, reserve }
}

function statusOf(test: TestPeer, name: string, memoryBytes: number): OwnStatus {
	const {
		peerId: _peerId,
		incarnation: _incarnation,
		sequence: _sequence,
		...status
	} = entryOf(test.peer.peerId, 1, 1).status
	return { ...status, name, addresses: test.peer.addresses(), allocated: { cpus: 0, diskBytes: 0, memoryBytes } }
}

const seen = (by: Node, of: TestPeer): NodeView | null => by.members.view.get(of.peer.peerId)
const alive = (by: Node) => by.members.view.list().filter(({ liveness }) => liveness === 'alive').length

/** Each dials the first only, and finds the others by itself. */
async function lattice(count: number): Promise<Node[]> {
	const nodes = [await node('n0')]
	for (let i = 1; i < count; i++) nodes.push(await node(`n${i}`, nodes.slice(0, 1)))
	await eventually(
		'everybody knows and holds everybody',
		() => nodes.every((each) => alive(each) === count && each.peer.connected().length === count - 1),
		30_000,
	)
	return nodes
}

describe('a lattice of real peers', () => {
	test('finds itself through one known member, and tells a change to all', async () => {
		const nodes = await lattice(5)
		nodes[2]?.reserve(77)
		await eventually('all see the change', () =>
			nodes.every((each) => seen(each, nodes[2] as Node)?.status.allocated.memoryBytes === 77),
		)
		// Distances are measured by the probes.
		await eventually('round trips', () => nodes.every((each) => seen(each, nodes[1] as Node)?.roundTripMs !== null))
	})

	test('knows who stopped, and knows it back', { timeout: 60_000 }, async () => {
		const nodes = await lattice(4)
		const [first, , , last] = nodes as [Node, Node, Node, Node]
		last.members.stop()
		await last.peer.stop()
		const others = nodes.slice(0, 3)
		await eventually('down at all', () => others.every((each) => seen(each, last)?.liveness === 'down'))

		const again = await node('n4', [first])
		await eventually('a newcomer sees who is down', () => seen(again, last)?.liveness === 'down')
		expect(alive(again)).toBe(4)
	})

	test('one that leaves is shown as left', async () => {
		const nodes = await lattice(3)
		const [, , leaver] = nodes as [Node, Node, Node]
		await leaver.members.leave()
		await eventually('left at all', () => nodes.slice(0, 2).every((each) => seen(each, leaver)?.liveness === 'left'))
	})

	test('the console sees what every node sees, and is no node', async () => {
		const nodes = await lattice(2)
		const console = await node('console', nodes.slice(0, 1), 'console')
		await eventually('the console sees both', () => alive(console) === 2)
		expect(nodes.every((each) => seen(each, console) === null)).toBe(true)
	})

	test('a member that is revoked is forgotten', async () => {
		const nodes = await lattice(3)
		const [first, second, removed] = nodes as [Node, Node, Node]
		const { latticeId, issuer } = peers.lattice
		const revocation = await issueRevocation(issuer, { latticeId, kind: 'node', subject: removed.peer.peerId })
		await first.enrolment.trust?.applyRevocation(revocation)
		await eventually('forgotten', () => seen(first, removed) === null && seen(second, removed) === null)
	})
})

describe('a member without checks', () => {
	/** A real, admitted member that says what it likes. */
	async function liar(nodes: Node[]): Promise<TestPeer> {
		const liar = await peers.member('liar', 'agent', { timeouts: PATIENT })
		liar.peer.members.open(peers.lattice.latticeId, async () => 'accept')
		for (const each of nodes) await liar.peer.dial(each.member)
		return liar
	}

	test('speaks for nobody else on the topic, and is named', async () => {
		const nodes = await lattice(3)
		const target = nodes[0] as Node
		const bad = await liar(nodes)
		const { latticeId } = peers.lattice
		const forged = entryOf(target.peer.peerId, 9, 9).status
		const signed = signer(bad.key, bad.peer.peerId, latticeId)(JSON.stringify(forged))
		const certificate = target.enrolment.certificate ?? ''
		const claims = [
			{ kind: 'status', record: { certificate, signed } } as const,
			{ kind: 'status', record: { certificate, signed: { ...signed, by: target.peer.peerId } } } as const,
			{
				kind: 'rumour',
				signed: { ...signed, by: target.peer.peerId, body: '{"kind":"left","incarnation":1}' },
			} as const,
		]
		await eventually('the liar is named by all', async () => {
			for (const claim of claims) await bad.peer.members.publish(latticeId, claim)
			await new Promise((resolve) => setTimeout(resolve, 300))
			return nodes.every(({ offences }) => offences.some((offence) => offence.startsWith(bad.peer.peerId)))
		})
		for (const each of nodes.slice(1)) {
			expect(seen(each, target)).toMatchObject({ liveness: 'alive', status: { incarnation: 1 } })
		}
	})

	test('cannot flood a node with probes', async () => {
		const nodes = await lattice(2)
		const target = nodes[0] as Node
		const bad = await liar(nodes)
		const answered: number[] = []
		bad.peer.members.open(peers.lattice.latticeId, async (_from, message) => {
			if (message.kind === 'ack') answered.push(message.id)
			return 'accept'
		})
		for (let id = 0; id < 3_000; id++) await bad.peer.members.send(target.member, { kind: 'probe', id })
		await eventually('the node has read them', () => answered.length >= 1_000)
		expect(answered.length).toBeLessThan(2_500)
		expect(seen(nodes[1] as Node, target)?.liveness).toBe('alive')
	})
})
