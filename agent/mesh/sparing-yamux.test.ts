import type { AddressInfo } from 'node:net'
import { createServer, connect as dialTcp, type Server } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from './eventually.fixture.ts'
import type { Stream } from './libp2p-types.ts'
import { Peers } from './peers.fixture.ts'

const PROTOCOL = '/test/1.0.0'

let peers: Peers
let wire: Server
/** bytes that came back to the one that dialled */
let cameBack: number
let sender: Stream
let received: number

beforeEach(async () => {
	peers = await Peers.create()
	const quiet = { timeouts: { ping: 600_000 } }
	const [a, b] = [await peers.member('a', 'agent', quiet), await peers.member('b', 'agent', quiet)]
	const [, port] = /\/tcp\/(\d+)/.exec(b.member.addresses[0] ?? '') ?? []
	wire = createServer((near) => {
		const far = dialTcp(Number(port), '127.0.0.1')
		for (const socket of [near, far]) socket.on('error', () => [near, far].map((each) => each.destroy()))
		near.pipe(far).pipe(near)
		far.on('data', (chunk) => {
			cameBack += chunk.byteLength
		})
	})
	await new Promise<void>((resolve) => wire.listen(0, '127.0.0.1', resolve))
	const { port: through } = wire.address() as AddressInfo
	received = 0
	await b.node.handle(PROTOCOL, (stream) => {
		stream.addEventListener('message', ({ data }) => {
			received += data.byteLength
		})
	})
	await a.peer.dial({ peerId: b.member.peerId, addresses: [`/ip4/127.0.0.1/tcp/${through}/p2p/${b.member.peerId}`] })
	const [connection] = a.node.getConnections()
	if (!connection) throw new Error('not connected')
	sender = await connection.newStream(PROTOCOL)
})
afterEach(async () => {
	await peers.stop()
	wire.close()
})

async function send(bytes: Uint8Array, times: number): Promise<void> {
	const expected = received + times * bytes.byteLength
	for (let i = 0; i < times; i++) {
		if (!sender.send(bytes)) await new Promise((resolve) => sender.addEventListener('drain', resolve, { once: true }))
		else await new Promise(setImmediate)
	}
	await eventually('all of it', () => received === expected, 30_000)
}

test('small messages are answered with nothing', async () => {
	await send(Buffer.from('the first one opens the stream'), 1)
	cameBack = 0
	await send(Buffer.alloc(100), 200)
	expect(cameBack).toBe(0)
})

test('many windows full get through', async () => {
	await send(Buffer.alloc(64 * 1024), 512)
	expect(cameBack).toBeGreaterThan(0)
})
