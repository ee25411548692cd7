import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from './eventually.fixture.ts'
import type { MemberMessage } from './member-transport.ts'
import { Peers, type TestPeer } from './peers.fixture.ts'

let peers: Peers
const endings: (() => void)[] = []

beforeEach(async () => {
	peers = await Peers.create()
})
afterEach(async () => {
	for (const end of endings.splice(0)) end()
	await peers.stop()
})

/** 300 handshakes in one process on a busy machine. */
const PATIENT = { reach: 30_000, address: 30_000, admission: 30_000, ping: 600_000 }

interface Heard {
	peer: TestPeer
	from: string[]
	messages: MemberMessage[]
}

function listen(peer: TestPeer): Heard {
	const heard: Heard = { peer, from: [], messages: [] }
	endings.push(
		peer.peer.members.open(peers.lattice.latticeId, async (from, message) => {
			heard.from.push(from)
			heard.messages.push(message)
			return 'accept'
		}),
	)
	return heard
}

/** What the signature within says is for agent/membership to judge. */
const rumour = (round: number) =>
	({ kind: 'rumour', signed: { by: 'n'.repeat(52), body: String(round), signature: 's'.repeat(86) } }) as const

/** Every peer is in somebody's mesh: a first message of each has come everywhere. */
async function settled(all: Heard[]): Promise<void> {
	await eventually(
		'a mesh',
		async () => {
			await Promise.all(all.map(({ peer }) => peer.peer.members.publish(peers.lattice.latticeId, rumour(0))))
			await new Promise((resolve) => setTimeout(resolve, 1_000))
			return all.every(({ from }) => new Set(from).size === all.length - 1)
		},
		40_000,
	)
	for (const heard of all) {
		heard.from.length = 0
		heard.messages.length = 0
	}
}

/** Each says something each time, and everybody hears all of it. */
async function loseNothing(all: Heard[]): Promise<void> {
	await settled(all)
	// Long enough for the score of colocation to be taken: it is computed with the heartbeat.
	const rounds = 8
	for (let round = 1; round <= rounds; round++) {
		await Promise.all(all.map(({ peer }) => peer.peer.members.publish(peers.lattice.latticeId, rumour(round))))
		await new Promise((resolve) => setTimeout(resolve, 500))
	}
	const fresh = (heard: Heard) =>
		heard.messages.filter((message) => message.kind === 'rumour' && message.signed.body !== '0').length
	const expected = (all.length - 1) * rounds
	await eventually('all messages at all peers', () => all.every((heard) => fresh(heard) === expected), 30_000).catch(
		() => {
			const lost = all.map((heard) => expected - fresh(heard))
			throw new Error(`lost of ${expected} each: ${lost.join(' ')}`)
		},
	)
}

test('25 peers on one address lose no gossip', { timeout: 240_000 }, async () => {
	const all: Heard[] = []
	for (let i = 0; i < 25; i++) {
		const peer = await peers.member(`n${i}`, 'agent', { timeouts: PATIENT })
		for (const { peer: other } of all) await peer.peer.dial(other.member)
		all.push(listen(peer))
	}
	await loseNothing(all)
})

/** Their circuits all have the relay's address. */
test('twelve peers behind one relay lose no gossip', { timeout: 240_000 }, async () => {
	const relay = await peers.member('relay', 'agent', { relay: true, timeouts: PATIENT })
	const all: Heard[] = [listen(relay)]
	for (let i = 0; i < 12; i++) {
		const hidden = await peers.member(`h${i}`, 'agent', { listen: [], timeouts: PATIENT })
		await hidden.peer.dial(relay.member)
		await hidden.peer.relay.reserve(relay.peer.peerId)
		for (const { peer: other } of all.slice(1)) {
			const addresses = [`${relay.member.addresses[0]}/p2p-circuit`]
			await hidden.peer.dial({ peerId: other.peer.peerId, addresses })
		}
		all.push(listen(hidden))
	}
	for (const { peer } of all.slice(1)) {
		expect(peer.peer.connected().filter(({ through }) => through === relay.peer.peerId)).toHaveLength(11)
	}
	await loseNothing(all)
})

test('a device of a user is admitted and hears no gossip', async () => {
	const a = listen(await peers.member('a'))
	const b = listen(await peers.member('b'))
	const client = await peers.client()
	const device = listen(client)
	await b.peer.peer.dial(a.peer.member)
	await client.peer.dial(a.peer.member)
	await client.peer.dial(b.peer.member)
	await settled([a, b])
	await client.peer.members.publish(peers.lattice.latticeId, rumour(1))
	await a.peer.peer.members.publish(peers.lattice.latticeId, rumour(2))
	await eventually('b hears a', () => b.messages.length > 0)
	expect(device.messages).toEqual([])
	expect(a.from).not.toContain(client.peer.peerId)
	expect(b.from).not.toContain(client.peer.peerId)
})
