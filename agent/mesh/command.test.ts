import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { signGrant } from '../identity/index.ts'
import { type Command, GRANT_TTL_S, LIMITS, PROTOCOL } from '../protocol/index.ts'
import { collect, eventually } from './eventually.fixture.ts'
import { DONE, logs, obey, pair } from './host.fixture.ts'
import { Peers } from './peers.fixture.ts'
import { rawDial, rawExchange, rawNode } from './raw-node.fixture.ts'

let peers: Peers
beforeEach(async () => {
	peers = await Peers.create()
})
afterEach(() => peers.stop())

describe('authority', () => {
	test('a granted command is done once; replayed, altered, redirected, ungranted or late ones are not', async () => {
		const { host, caller } = await pair(peers)
		const { done } = obey(host)
		const send = (request: Parameters<typeof caller.peer.command>[1]) =>
			collect(caller.peer.command(host.peer.peerId, request))
		const refusal = (code: string) => [{ type: 'error', error: expect.objectContaining({ code }) }]
		const stop: Command = { kind: 'stop', commandId: 'command-1', workloadId: 'w_01234567890123456789' }
		const order = await peers.order(host.peer.peerId, stop)
		expect(await send(order)).toEqual([DONE])
		expect(await send(order)).toEqual(refusal('GRANT_REPLAYED'))
		expect(await send({ ...order, command: { ...stop, workloadId: 'w_99999999999999999999' } })).toEqual(
			refusal('GRANT_INVALID'),
		)
		expect(await send(await peers.order(caller.peer.peerId, stop))).toEqual(refusal('GRANT_INVALID'))
		expect(await send({ ...order, grant: order.credential })).toEqual(refusal('GRANT_INVALID'))
		expect(await send({ ...order, grant: '' })).toEqual(refusal('GRANT_INVALID'))
		expect(await send({ ...order, credential: caller.enrolment.certificate ?? '' })).toEqual(refusal('UNAUTHENTICATED'))
		const { jwt: credential, seed } = await peers.lattice.token()
		const byMember = await signGrant({ credential, key: caller.key, command: stop, audience: host.peer.peerId })
		expect(await send({ credential, grant: byMember, command: stop })).toEqual(refusal('GRANT_INVALID'))
		host.enrolment.trust = await peers.lattice.trust(() => Date.now() + (GRANT_TTL_S + 361) * 1000)
		const fresh = await peers.order(host.peer.peerId, stop)
		expect(await send(fresh)).toEqual(refusal('GRANT_EXPIRED'))
		expect(seed).toBeTruthy()
		expect(done).toEqual([stop])
	})

	test('the CLI commands with its device certificate, listening nowhere', async () => {
		const host = await peers.member('host')
		const { done } = obey(host)
		const client = await peers.client()
		await client.peer.dial(host.member)
		const credential = client.enrolment.certificate ?? ''
		const command: Command = { kind: 'list' }
		const grant = await signGrant({ credential, key: client.key, command, audience: host.peer.peerId })
		expect(await collect(client.peer.command(host.peer.peerId, { credential, grant, command }))).toEqual([DONE])
		expect(done).toEqual([command])
	})
})

describe('the channel', () => {
	test('carries frames in order, and a failure as a typed error; an unknown failure leaks nothing', async () => {
		const { host, caller } = await pair(peers)
		const order = await peers.order(host.peer.peerId)
		host.peer.handleCommands(async function* () {
			for (let i = 0; i < 500; i++) yield logs(`line ${i}`)
			throw new Error('secret path /root')
		})
		const frames = await collect(caller.peer.command(host.peer.peerId, order))
		expect(frames.slice(0, 500)).toEqual(Array.from({ length: 500 }, (_, i) => logs(`line ${i}`)))
		expect(frames[500]).toMatchObject({ type: 'error', error: { code: 'INTERNAL' } })
		expect(JSON.stringify(frames[500])).not.toContain('/root')
		host.peer.handleCommands(async function* () {
			yield logs('only')
		})
		expect((await collect(caller.peer.command(host.peer.peerId, order)))[1]).toMatchObject({
			type: 'error',
			error: { code: 'INTERNAL' },
		})
	})

	test('many commands at once share a connection', async () => {
		const { host, caller } = await pair(peers)
		obey(host)
		const orders = await Promise.all(Array.from({ length: 200 }, () => peers.order(host.peer.peerId)))
		const answers = await Promise.all(orders.map((order) => collect(caller.peer.command(host.peer.peerId, order))))
		expect(answers.every(([frame]) => frame?.type === 'result')).toBe(true)
		expect(caller.peer.connected()).toHaveLength(1)
	})

	test('a slow reader holds the producer back, and then gets everything', async () => {
		const { host, caller } = await pair(peers)
		const line = logs('x'.repeat(64 * 1024))
		const total = 400
		let produced = 0
		host.peer.handleCommands(async function* () {
			for (; produced < total; produced++) yield line
			yield DONE
		})
		const frames = caller.peer.command(host.peer.peerId, await peers.order(host.peer.peerId))[Symbol.asyncIterator]()
		// Several windows first: to hold back once is not yet to hold back each time.
		for (let i = 0; i < 100; i++) await frames.next()
		let last = -1
		await eventually('the producer stands still', async () => {
			const before = produced
			await new Promise((resolve) => setTimeout(resolve, 200))
			const still = before === produced && last === produced
			last = produced
			return still
		})
		// A window of 1 MiB at the receiver, what the muxer and the sockets hold, and no more.
		expect((produced - 100) * 64).toBeLessThan(8 * 1024)
		let read = 100
		for (let next = await frames.next(); !next.done; next = await frames.next()) if (next.value.type === 'logs') read++
		expect(read).toBe(total)
	})

	test('a caller that goes away ends the producer: by signal, by leaving the loop, by dying', async () => {
		const { host, caller } = await pair(peers)
		let running = 0
		host.peer.handleCommands(async function* (_, { signal }) {
			running++
			try {
				yield logs('started')
				await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
			} finally {
				running--
			}
		})
		const order = await peers.order(host.peer.peerId)
		const controller = new AbortController()
		const cancelled = collect(caller.peer.command(host.peer.peerId, order, { signal: controller.signal }))
		await eventually('it runs', () => running === 1)
		controller.abort()
		await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' })
		await eventually('it ended by the signal', () => running === 0)
		for await (const frame of caller.peer.command(host.peer.peerId, order)) {
			expect(frame).toEqual(logs('started'))
			break
		}
		await eventually('it ended with the loop', () => running === 0)
		const dying = collect(caller.peer.command(host.peer.peerId, order))
		dying.catch(() => undefined)
		await eventually('it runs again', () => running === 1)
		await caller.peer.stop()
		await eventually('it ended with the caller', () => running === 0)
	})

	test('a producer that yields without end is stopped by a caller that leaves', async () => {
		const { host, caller } = await pair(peers)
		let ended = false
		host.peer.handleCommands(async function* () {
			try {
				while (true) yield logs('again')
			} finally {
				ended = true
			}
		})
		for await (const _ of caller.peer.command(host.peer.peerId, await peers.order(host.peer.peerId))) break
		await eventually('the producer was returned', () => ended)
	})

	test('a frame over 1 MiB is refused here, and there from whoever sends it anyway', async () => {
		const { host, caller } = await pair(peers)
		let asked = 0
		host.peer.handleCommands(async function* () {
			asked++
			yield DONE
		})
		const order = await peers.order(host.peer.peerId)
		const large = { ...order, command: { ...order.command, padding: 'x'.repeat(LIMITS.frameBytes) } }
		await expect(collect(caller.peer.command(host.peer.peerId, large))).rejects.toMatchObject({
			code: 'PAYLOAD_TOO_LARGE',
		})
		await caller.peer.stop()
		const node = await rawNode(caller.key)
		try {
			const connection = await rawDial(node, host.member.addresses)
			const { trust, certificate } = caller.enrolment
			const hello = { latticeId: peers.lattice.latticeId, certificate, issuers: trust?.issuers(), revocations: [] }
			expect((await rawExchange(connection, PROTOCOL.admission, [hello])).frames).toMatchObject([
				{ ok: { latticeId: trust?.latticeId } },
			])
			const header = Buffer.alloc(4)
			header.writeUInt32BE(LIMITS.frameBytes + 1)
			expect(await rawExchange(connection, PROTOCOL.command, [new Uint8Array(header)])).toEqual({
				frames: [],
				reset: true,
			})
			expect((await rawExchange(connection, PROTOCOL.command, [{ nonsense: true }])).frames).toMatchObject([
				{ type: 'error', error: { code: 'PROTOCOL_ERROR' } },
			])
			expect((await rawExchange(connection, PROTOCOL.command, [order])).frames).toEqual([DONE])
		} finally {
			await node.stop()
		}
		expect(asked).toBe(1)
	})
})
