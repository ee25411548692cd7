import { afterEach, beforeEach, expect, test } from 'vitest'
import { entryOf } from '../membership/virtual-lattice.fixture.ts'
import { isCircuit, relayOf } from './circuits.ts'
import { collect, eventually } from './eventually.fixture.ts'
import { DONE, obey } from './host.fixture.ts'
import { Members } from './members.ts'
import { Peers, type TestPeer } from './peers.fixture.ts'

interface Node extends TestPeer {
	members: Members
}

let peers: Peers
let running: Node[]

beforeEach(async () => {
	peers = await Peers.create()
	running = []
})
afterEach(async () => {
	for (const { members } of running) members.stop()
	await peers.stop()
})

/** As the agent does it: announces where it is reached each time that changes. */
async function node(name: string, known: TestPeer[], wanted: { listen?: string[] } = {}): Promise<Node> {
	const test = await peers.member(name, 'agent', { relay: true, timeouts: { ping: 600_000 }, ...wanted })
	const { trust, certificate } = test.enrolment
	if (trust === null || certificate === null) throw new Error('a member is enrolled')
	const { peerId: _, incarnation: _i, sequence: _s, ...status } = entryOf(test.peer.peerId, 1, 1).status
	const announce = () => members.announce({ ...status, name, addresses: members.addresses(), relay: members.relays })
	const members: Members = new Members({
		peer: test.peer,
		key: test.key,
		trust,
		certificate: () => certificate,
		incarnation: 1,
		known: known.map(({ member }) => member),
		log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
		onReach: announce,
	})
	const started = { ...test, members }
	running.push(started)
	members.start()
	announce()
	return started
}

const path = (from: Node, to: Node) => from.peer.connected().find(({ peerId }) => peerId === to.peer.peerId)
const circuits = (of: Node) => of.members.addresses().filter(isCircuit)
const relaysOf = (of: Node) => circuits(of).map((address) => relayOf(address)?.peerId)

async function stop(node: Node): Promise<void> {
	node.members.stop()
	await node.peer.stop()
}

test('those that nobody can dial keep places at two relays, and are back by the other when one dies', async () => {
	const first = await node('first', [])
	const second = await node('second', [first])
	const third = await node('third', [first])
	const relays = [first, second, third]
	await eventually('three know that they can be dialled', () => relays.every(({ members }) => members.relays), 15_000)
	const left = await node('left', [first], { listen: [] })
	const right = await node('right', [second], { listen: [] })
	await eventually('left and right are connected through a relay', () => path(left, right)?.relayed === true, 15_000)
	await eventually('two places each', () => [left, right].every((each) => new Set(relaysOf(each)).size === 2), 15_000)
	expect(left.members.relays).toBe(false)
	await eventually('the others know the ways', () =>
		circuits(right).every((address) => left.members.view.get(right.peer.peerId)?.status.addresses.includes(address)),
	)

	const through = path(left, right)?.through
	const dying = relays.find(({ peer }) => peer.peerId === through)
	if (!dying) throw new Error(`no relay ${through}`)
	await stop(dying)
	const isBack = () => {
		const now = path(left, right)
		return now !== undefined && now.through !== through
	}
	await eventually('left and right are connected again', isBack, 15_000)
	obey(right)
	expect(await collect(left.peer.command(right.peer.peerId, await peers.order(right.peer.peerId)))).toEqual([DONE])
	await eventually(
		'a place at the third',
		() => new Set(relaysOf(left)).size === 2 && !relaysOf(left).includes(dying.peer.peerId),
		15_000,
	)
	await eventually('all the living see each other alive', () =>
		[left, right].every((each) => each.members.view.list().filter(({ liveness }) => liveness === 'alive').length === 4),
	)
}, 60_000)
