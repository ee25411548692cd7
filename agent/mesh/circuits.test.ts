import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { generateKey } from '../identity/index.ts'
import { CIRCUIT_PROTOCOLS, isCircuit, relayOf } from './circuits.ts'
import { collect, eventually } from './eventually.fixture.ts'
import { DONE, logs, obey } from './host.fixture.ts'
import { Peers, type TestPeer } from './peers.fixture.ts'
import { rawDial, rawNode } from './raw-node.fixture.ts'

let peers: Peers
let relay: TestPeer
let hidden: TestPeer
let caller: TestPeer
/** the hidden peer as others know it: through the relay */
let member: { peerId: string; addresses: string[] }

beforeEach(async () => {
	peers = await Peers.create()
	relay = await peers.member('relay', 'agent', { relay: true })
	hidden = await peers.member('hidden', 'agent', { listen: [] })
	caller = await peers.member('caller', 'agent', { listen: [] })
	await hidden.peer.dial(relay.member)
	await hidden.peer.relay.reserve(relay.peer.peerId)
	member = { peerId: hidden.peer.peerId, addresses: [`${relay.member.addresses[0]}/p2p-circuit`] }
})
afterEach(() => peers.stop())

/** Everything that passes through the relay from now on, as the relay sees it. */
function tapped(): () => Buffer {
	const chunks: Buffer[] = []
	const streams = relay.node
		.getConnections()
		.flatMap((connection) => connection.streams)
		.filter(({ protocol }) => CIRCUIT_PROTOCOLS.includes(protocol))
	expect(streams).toHaveLength(2)
	for (const stream of streams)
		stream.addEventListener('message', ({ data }) => void chunks.push(Buffer.from(data.subarray())))
	return () => Buffer.concat(chunks)
}

describe('a circuit', () => {
	test('joins two peers that nobody can dial: both show certificates to each other, not to the relay', async () => {
		await caller.peer.dial(member)
		expect(caller.peer.connected().find(({ peerId }) => peerId === hidden.peer.peerId)).toMatchObject({
			certificate: { name: 'hidden' },
			relayed: true,
			through: relay.peer.peerId,
		})
		expect(hidden.peer.connected().find(({ peerId }) => peerId === caller.peer.peerId)).toMatchObject({
			certificate: { name: 'caller' },
			relayed: true,
			through: relay.peer.peerId,
			direction: 'inbound',
		})
		expect(caller.peer.connected().find(({ peerId }) => peerId === relay.peer.peerId)).toMatchObject({
			relayed: false,
			through: null,
		})
	})

	test('shows the relay ciphertext only', async () => {
		const marker = 'the-secret-that-nobody-between-may-read'
		hidden.peer.handleCommands(async function* () {
			yield logs(marker)
			yield DONE
		})
		await caller.peer.dial(member)
		const seen = tapped()
		const request = await peers.order(hidden.peer.peerId)
		const frames = await collect(caller.peer.command(hidden.peer.peerId, request))
		expect(frames).toEqual([logs(marker), DONE])
		expect(seen().length).toBeGreaterThan(request.credential.length)
		expect(seen().includes(marker)).toBe(false)
		expect(seen().includes(request.credential)).toBe(false)
	})

	test('carries more than the 128 KiB of the default', async () => {
		const line = logs('x'.repeat(64 * 1024))
		hidden.peer.handleCommands(async function* () {
			for (let i = 0; i < 64; i++) yield line
			yield DONE
		})
		await caller.peer.dial(member)
		const frames = await collect(caller.peer.command(hidden.peer.peerId, await peers.order(hidden.peer.peerId)))
		expect(frames).toHaveLength(65)
	})

	test('is open to a user’s device, which gets no place of its own', async () => {
		const { done } = obey(hidden)
		const device = await peers.client()
		await device.peer.dial(member)
		await collect(device.peer.command(hidden.peer.peerId, await peers.order(hidden.peer.peerId)))
		expect(done).toHaveLength(1)
		await expect(device.peer.relay.reserve(relay.peer.peerId)).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
	})

	test('is closed to a stranger', async () => {
		const stranger = await rawNode(generateKey())
		try {
			const connection = await rawDial(stranger, relay.member.addresses)
			const [hop = ''] = CIRCUIT_PROTOCOLS
			const stream = await connection.newStream(hop, { signal: AbortSignal.timeout(5_000) }).catch(() => null)
			if (stream) await eventually('the stream is reset', () => stream.status !== 'open')
			expect(hidden.peer.connected().map(({ peerId }) => peerId)).toEqual([relay.peer.peerId])
		} finally {
			await stranger.stop()
		}
	})

	test('gives way to a direct connection, and nothing that runs is broken', async () => {
		const listening = await peers.member('listening')
		await listening.peer.dial(relay.member)
		await listening.peer.relay.reserve(relay.peer.peerId)
		const id = listening.peer.peerId
		await caller.peer.dial({ peerId: id, addresses: member.addresses })
		const go = Promise.withResolvers<void>()
		listening.peer.handleCommands(async function* () {
			yield logs('begun')
			await go.promise
			yield DONE
		})
		const running = caller.peer.command(id, await peers.order(id))[Symbol.asyncIterator]()
		expect((await running.next()).value).toEqual(logs('begun'))
		await caller.peer.upgrade(listening.member)
		const relayed = () =>
			caller.node.getConnections().filter(({ remotePeer, direct }) => !direct && `${remotePeer}` === id)
		expect(caller.peer.connected().find(({ peerId }) => peerId === id)).toMatchObject({ relayed: false })
		expect(relayed()).toHaveLength(1)
		go.resolve()
		expect((await running.next()).value).toEqual(DONE)
		await running.next()
		await eventually('the relayed connection is gone', () => relayed().length === 0)
		expect(caller.peer.connected().some(({ peerId }) => peerId === id)).toBe(true)
	})
})

describe('dial-back', () => {
	test('says whether the asked member reaches the asker', async () => {
		const listening = await peers.member('listening')
		await listening.peer.dial(relay.member)
		expect(await listening.peer.relay.dialBack(relay.peer.peerId)).toBe(true)
		expect(await hidden.peer.relay.dialBack(relay.peer.peerId)).toBe(false)
		// The connection that the question was asked over is still the one there is.
		expect(listening.peer.connected()).toHaveLength(1)
		expect(relay.peer.connected().map(({ peerId }) => peerId)).toContain(listening.peer.peerId)
	})
})

test('addresses through a relay are taken apart', () => {
	const direct = '/ip4/10.0.0.1/tcp/4100/p2p/12D3KooWA'
	expect(relayOf(`${direct}/p2p-circuit/p2p/12D3KooWB`)).toEqual({ peerId: '12D3KooWA', address: direct })
	expect(relayOf(direct)).toBeNull()
	expect(isCircuit(`${direct}/p2p-circuit`)).toBe(true)
})
