import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { collect } from './eventually.fixture.ts'
import { DONE, logs, obey, pair } from './host.fixture.ts'
import { Peers } from './peers.fixture.ts'

let peers: Peers
beforeEach(async () => {
	peers = await Peers.create()
})
afterEach(() => peers.stop())

describe('reach', () => {
	test('a dead peer is HOST_UNREACHABLE, quickly', async () => {
		const { host, caller } = await pair(peers)
		await host.peer.stop()
		const started = performance.now()
		await expect(
			collect(caller.peer.command(host.peer.peerId, await peers.order(host.peer.peerId))),
		).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
		await expect(caller.peer.dial(host.member)).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
		expect(performance.now() - started).toBeLessThan(5_000)
		const unknown = (await peers.lattice.member('nobody')).peerId
		await expect(collect(caller.peer.command(unknown, await peers.order(unknown)))).rejects.toMatchObject({
			code: 'HOST_UNREACHABLE',
		})
	})

	test('an address that swallows packets uses up neither the others nor five seconds', async () => {
		const host = await peers.member('host')
		const caller = await peers.member('caller')
		const { createServer } = await import('node:net')
		// It accepts and says nothing: what a firewall or a hung process looks like from here.
		const silent = createServer().listen(0, '127.0.0.1')
		await new Promise((resolve) => silent.once('listening', resolve))
		const address = silent.address()
		const dead = `/ip4/127.0.0.1/tcp/${typeof address === 'object' ? address?.port : 0}`
		try {
			const started = performance.now()
			await expect(caller.peer.dial({ peerId: host.peer.peerId, addresses: [dead] })).rejects.toMatchObject({
				code: 'HOST_UNREACHABLE',
			})
			expect(performance.now() - started).toBeLessThan(5_000)
			await caller.peer.dial({ peerId: host.peer.peerId, addresses: [dead, ...host.member.addresses] })
		} finally {
			silent.close()
		}
	})

	test('a port that is taken is named', async () => {
		const host = await peers.member('host')
		const listen = host.member.addresses.map((address) => address.split('/p2p/')[0] ?? '')
		await expect(peers.member('late', 'agent', { listen })).rejects.toMatchObject({
			code: 'PORT_TAKEN',
			message: expect.stringContaining(listen[0] ?? 'none'),
		})
	})

	test('a host that dies in the midst is HOST_UNREACHABLE, not a result', async () => {
		const { host, caller } = await pair(peers)
		host.peer.handleCommands(async function* (_, { signal }) {
			yield logs('started')
			await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
		})
		const frames = caller.peer.command(host.peer.peerId, await peers.order(host.peer.peerId))[Symbol.asyncIterator]()
		expect((await frames.next()).value).toEqual(logs('started'))
		await host.peer.stop()
		await expect(frames.next()).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
	})

	test('a peer that restarts is reached again, by the address it had', async () => {
		const { host, caller } = await pair(peers)
		obey(host)
		const [address] = host.member.addresses
		const { key, enrolment } = host
		await host.peer.stop()
		const again = await peers.member('host', 'agent', {
			key,
			certificate: enrolment.certificate,
			listen: [address?.split('/p2p/')[0] ?? ''],
		})
		obey(again)
		expect(await collect(caller.peer.command(again.peer.peerId, await peers.order(again.peer.peerId)))).toEqual([DONE])
	})
})
