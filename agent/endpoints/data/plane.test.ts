import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { generateKey, issueRevocation } from '../../identity/index.ts'
import { ALICE } from '../../identity/lattice.fixture.ts'
import { rawDial, rawExchange, rawNode } from '../../mesh/raw-node.fixture.ts'
import { PROTOCOL } from '../../protocol/index.ts'
import type { Dialled } from '../dialer.ts'
import { makeDataCertificate } from './certificate.ts'
import { cutOff } from './cut-off.ts'
import { decodeAnswer, encodeHeader, readExactly } from './header.ts'
import { OTHERS_WORKLOAD, PlaneGround, type TestNode } from './plane.fixture.ts'
import { dialTls } from './tls.ts'

let ground: PlaneGround

afterEach(() => ground?.stop())

const soon = () => AbortSignal.timeout(8_000)

async function pair(options: { hidden?: boolean } = {}): Promise<{ host: TestNode; entry: TestNode }> {
	const host = await ground.node('host', options)
	const entry = await ground.node('entry', { gateway: true })
	await entry.node.peer.dial(host.node.member)
	return { host, entry }
}

async function dial(entry: TestNode, host: TestNode): Promise<Dialled> {
	return entry.plane.dialer.dial(ground.target(host.node.peer.peerId), await ground.user(), soon())
}

async function readAll(stream: Duplex): Promise<string> {
	const chunks: Buffer[] = []
	for await (const chunk of stream) chunks.push(chunk)
	return Buffer.concat(chunks).toString()
}

async function refusal(dialling: Promise<Dialled>): Promise<string> {
	try {
		;(await dialling).stream.destroy()
		return 'connected'
	} catch (error) {
		return (error as { code: string }).code
	}
}

describe.each([
	['direct', {}],
	['ready', { hidden: true }],
] as const)('a connection by the path %s', (kind, options) => {
	it('carries bytes both ways, and each half ends by itself', async () => {
		ground = await PlaneGround.create()
		const { host, entry } = await pair(options)
		const { stream, path } = await dial(entry, host)
		expect(path).toMatchObject({ kind, through: null, rttMs: expect.any(Number) })
		stream.end('hello')
		expect(await readAll(stream)).toBe('hello')
		// The server's half ended last, and nothing stays open anywhere.
		await expect.poll(() => host.plane.totals().map(({ open }) => open)).toEqual([0])
		expect(host.plane.totals()).toMatchObject([{ side: 'host', path: kind, sent: 5, received: 5 }])
	})

	it('the server may go on speaking after the client has ended its half', async () => {
		ground = await PlaneGround.create((socket) => {
			socket.resume().once('end', () => void delay(20).then(() => socket.end('after your end')))
		})
		const { host, entry } = await pair(options)
		const { stream } = await dial(entry, host)
		stream.end('bye')
		expect(await readAll(stream)).toBe('after your end')
	})

	it('holds a sender back while the receiver does not read, and loses nothing', async () => {
		ground = await PlaneGround.create(() => undefined)
		const { host, entry } = await pair(options)
		const { stream } = await dial(entry, host)
		const chunk = Buffer.alloc(1024 * 1024, 7)
		let sent = 0
		while (stream.write(chunk)) sent += chunk.length
		sent += chunk.length
		while (sent < 64 * chunk.length && (await Promise.race([once(stream, 'drain'), delay(300)]))) {
			sent += chunk.length
			stream.write(chunk)
		}
		expect(sent).toBeLessThan(48 * chunk.length)
		stream.end()
		const [socket] = ground.accepted
		let received = 0
		socket?.on('data', (data: Buffer) => {
			received += data.length
		})
		await once(socket as Duplex, 'end')
		expect(received).toBe(sent)
	})

	it('an error at either end ends both', async () => {
		ground = await PlaneGround.create()
		const { host, entry } = await pair(options)
		const first = await dial(entry, host)
		const broken = once(first.stream, 'error')
		ground.accepted[0]?.resetAndDestroy()
		expect(await broken).toMatchObject([{ code: 'ECONNRESET' }])
		const second = await dial(entry, host)
		await expect.poll(() => ground.accepted.length).toBe(2)
		const reset = once(ground.accepted[1] as Duplex, 'error')
		cutOff(second.stream)
		expect(await reset).toMatchObject([{ code: 'ECONNRESET' }])
	})

	it('hundreds at once', { timeout: 40_000 }, async () => {
		ground = await PlaneGround.create()
		const { host, entry } = await pair(options)
		const by = await ground.user()
		const target = ground.target(host.node.peer.peerId)
		const all = await Promise.all(
			Array.from({ length: kind === 'direct' ? 500 : 200 }, () =>
				entry.plane.dialer.dial(target, by, AbortSignal.timeout(30_000)),
			),
		)
		const answers = all.map(async ({ stream }, index) => {
			stream.end(`client ${index}`)
			return readAll(stream)
		})
		expect(await Promise.all(answers)).toEqual(all.map((_, index) => `client ${index}`))
		expect(new Set(all.map(({ path }) => path.kind))).toEqual(new Set([kind]))
	})
})

describe('who may connect', () => {
	it('the owner, to declared ports of a replica that runs, and nobody to anything else', async () => {
		ground = await PlaneGround.create()
		const { host, entry } = await pair()
		const { peerId } = host.node.peer
		const { dialer } = entry.plane
		const alice = await ground.user()
		const port = ground.port
		expect(await refusal(dialer.dial(ground.target(peerId), alice, soon()))).toBe('connected')
		expect(await refusal(dialer.dial(ground.target(peerId, { container: port - 1 }), alice, soon()))).toBe('NOT_FOUND')
		expect(await refusal(dialer.dial(ground.target(peerId, { replica: 1 }), alice, soon()))).toBe('NOT_FOUND')
		const others = ground.target(peerId, { workloadId: OTHERS_WORKLOAD })
		expect(await refusal(dialer.dial(others, alice, soon()))).toBe('NOT_FOUND')
		expect(await refusal(dialer.dial(ground.target(peerId), await ground.user('bob'), soon()))).toBe('NOT_FOUND')
		host.status.now = 'stopped'
		expect(await refusal(dialer.dial(ground.target(peerId), alice, soon()))).toBe('WRONG_STATE')
		// The same rules on the host itself.
		const own = host.plane.dialer
		expect(await refusal(own.dial(ground.target(peerId), await ground.user('bob'), soon()))).toBe('NOT_FOUND')
		expect(await refusal(own.dial(ground.target(peerId, { container: port - 1 }), alice, soon()))).toBe('NOT_FOUND')
	})

	it('a gateway, to what is exposed by gateways, and no other member', async () => {
		ground = await PlaneGround.create()
		const { host, entry } = await pair()
		const plain = await ground.node('plain')
		await plain.node.peer.dial(host.node.member)
		const target = ground.target(host.node.peer.peerId)
		expect(await refusal(entry.plane.dialer.dial(target, { kind: 'gateway' }, soon()))).toBe('connected')
		expect(await refusal(plain.plane.dialer.dial(target, { kind: 'gateway' }, soon()))).toBe('FORBIDDEN')
		expect(host.refused).toEqual(['FORBIDDEN'])
		const other = await ground.node('other', { gateway: true })
		await other.node.peer.dial(host.node.member)
		host.expose.splice(0, 1, 'ngrok')
		expect(await refusal(other.plane.dialer.dial(target, { kind: 'gateway' }, soon()))).toBe('FORBIDDEN')
	})

	it('a grant is good once, for the certificate that it names', async () => {
		ground = await PlaneGround.create()
		const { host, entry } = await pair()
		const { peerId } = host.node.peer
		const by = await ground.user()
		if (by.kind !== 'user') throw new Error('a user')
		const { peerId: _, ...target } = ground.target(peerId)
		const dialled = { kind: 'dial', ...target, certificate: makeDataCertificate().fingerprint } as const
		const authority = { credential: by.authority.credential, grant: await by.authority.grant(dialled, peerId) }
		const ask = (dial: typeof dialled) => entry.node.peer.dialGrant(peerId, { dial, authority })
		await expect(ask({ ...dialled, certificate: makeDataCertificate().fingerprint })).rejects.toMatchObject({
			code: 'GRANT_INVALID',
		})
		await ask(dialled)
		await expect(ask(dialled)).rejects.toMatchObject({ code: 'GRANT_REPLAYED' })
	})

	it('a lease serves the certificate it was given to, and no other; nor does one that was made up', async () => {
		ground = await PlaneGround.create()
		const { host, entry } = await pair()
		const by = await ground.user()
		if (by.kind !== 'user') throw new Error('a user')
		const own = makeDataCertificate()
		const { peerId, ...target } = ground.target(host.node.peer.peerId)
		const dialled = { kind: 'dial', ...target, certificate: own.fingerprint } as const
		const authority = { credential: by.authority.credential, grant: await by.authority.grant(dialled, peerId) }
		const granted = await entry.node.peer.dialGrant(peerId, { dial: dialled, authority })
		const [address] = granted.addresses
		if (!address) throw new Error('no address')
		const tryWith = async (certificate: typeof own, ticket: string) => {
			const options = { own: certificate, pinned: granted.certificate, signal: soon() }
			const socket = await dialTls(address, options)
			socket.write(encodeHeader({ kind: 'open', ticket }))
			const answer = decodeAnswer(await readExactly(socket, 1, soon()))
			socket.destroy()
			return answer
		}
		expect(await tryWith(own, granted.lease)).toBe('connected')
		expect(await tryWith(makeDataCertificate(), granted.lease)).toBe('unknownLease')
		expect(await tryWith(own, Buffer.alloc(16).toString('base64url'))).toBe('unknownLease')
		const impostor = { own, pinned: makeDataCertificate().fingerprint, signal: soon() }
		await expect(dialTls(address, impostor)).rejects.toThrow('another certificate')
	})

	it('whoever is shut out loses what was open', async () => {
		ground = await PlaneGround.create()
		const { host, entry } = await pair()
		const { stream } = await dial(entry, host)
		const { latticeId, issuer } = ground.peers.lattice
		const about = { latticeId, kind: 'user', subject: ALICE.id } as const
		const broken = once(stream, 'error')
		await host.node.enrolment.trust?.applyRevocation(await issueRevocation(issuer, about))
		expect(await broken).toMatchObject([{ code: 'ECONNRESET' }])
		expect(await refusal(dial(entry, host))).toBe('REVOKED')
	})
})

describe('over the mesh itself', () => {
	it('a host that can be reached in no other way is reached by a libp2p stream, with half-close and back-pressure', async () => {
		ground = await PlaneGround.create()
		const host = await ground.node('host', { hidden: true })
		const entry = await ground.node('entry', { hidden: true })
		await entry.node.peer.dial(host.node.member)
		const { stream, path } = await dial(entry, host)
		expect(path).toMatchObject({ kind: 'mesh', through: null })
		const large = Buffer.alloc(8 * 1024 * 1024, 'x').toString()
		const whole = readAll(stream)
		stream.end(large)
		expect((await whole) === large).toBe(true)
		const broken = await dial(entry, host)
		const reset = once(broken.stream, 'error')
		ground.accepted.at(-1)?.resetAndDestroy()
		expect(await reset).toMatchObject([{ name: 'StreamResetError' }])
	})

	it('a stranger who opens one gets nothing, and the node goes on', async () => {
		ground = await PlaneGround.create()
		const { host, entry } = await pair()
		const raw = await rawNode(generateKey())
		const connection = await rawDial(raw, host.node.member.addresses)
		const header = encodeHeader({ kind: 'open', ticket: Buffer.alloc(16).toString('base64url') })
		expect(await rawExchange(connection, PROTOCOL.data, [header])).toEqual({ frames: [], reset: true })
		await raw.stop()
		expect((await dial(entry, host)).path.kind).toBe('direct')
	})
})

describe('when something changes', () => {
	it('a host whose agent was started again is asked again, without the caller knowing', async () => {
		ground = await PlaneGround.create()
		const { host, entry } = await pair()
		const { stream } = await dial(entry, host)
		stream.destroy()
		host.plane.stop()
		// The same peer with another process behind it: another certificate, another port, no leases.
		const again = await ground.again(host)
		const { stream: second, path } = await dial(entry, again)
		expect(path.kind).toBe('direct')
		second.end('x')
		expect(await readAll(second)).toBe('x')
	})

	it('resumes TLS sessions, and still pins', async () => {
		ground = await PlaneGround.create()
		const { host, entry } = await pair()
		const resumed: boolean[] = []
		for (let round = 0; round < 3; round++) {
			const { stream } = await dial(entry, host)
			stream.write('x')
			await once(stream, 'data')
			resumed.push((stream as Duplex & { isSessionReused(): boolean }).isSessionReused())
			stream.destroy()
		}
		expect(resumed).toEqual([false, true, true])
	})
})
