import { multiaddr } from '@multiformats/multiaddr'
import type { Libp2p } from 'libp2p'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { generateKey, issueRevocation, type SigningKey } from '../identity/index.ts'
import { CLOCK_LEEWAY_S, type LatticeError, MEMBERSHIP_TTL_S, PROTOCOL } from '../protocol/index.ts'
import { eventually } from './eventually.fixture.ts'
import { Peers } from './peers.fixture.ts'
import { rawDial, rawExchange, rawNode } from './raw-node.fixture.ts'

let peers: Peers
let raw: Libp2p[] = []
beforeEach(async () => {
	peers = await Peers.create()
})
afterEach(async () => {
	await Promise.all([peers.stop(), ...raw.splice(0).map((node) => node.stop())])
})

async function attacker(key: SigningKey = generateKey()): Promise<Libp2p> {
	const node = await rawNode(key)
	raw = [...raw, node]
	return node
}

const revoke = (subject: string) =>
	issueRevocation(peers.lattice.issuer, { latticeId: peers.lattice.latticeId, kind: 'node', subject })

describe('a stranger on the mesh port', () => {
	test('gets nothing but an answer of join, not even who is there, and is dropped', async () => {
		const host = await peers.member('h1', 'agent', { timeouts: { admission: 700 } })
		let asked = 0
		host.peer.handleCommands(async function* () {
			asked++
			yield {
				type: 'result',
				result: {
					report: null,
					reports: [],
					nodes: null,
					routes: null,
					peers: null,
					measured: null,
					credentials: null,
					claim: null,
				},
			}
		})
		host.peer.handleWatch(async function* () {
			asked++
			yield { type: 'synced' }
		})
		const node = await attacker()
		const connection = await rawDial(node, host.member.addresses)
		const order = await peers.order(host.member.peerId)
		const nothing = { frames: [], reset: true }
		expect(await rawExchange(connection, PROTOCOL.command, [order])).toEqual(nothing)
		expect(await rawExchange(connection, PROTOCOL.watch, [])).toEqual(nothing)
		expect(await rawExchange(connection, '/ipfs/id/1.0.0', [])).toEqual(nothing)
		expect(await rawExchange(connection, '/ipfs/ping/1.0.0', [new Uint8Array(32)])).toEqual(nothing)
		const join = { inviteId: 'i', peerId: node.peerId.toString(), name: 'x', labels: {}, gateway: false, proof: 'p' }
		const { frames } = await rawExchange(connection, PROTOCOL.join, [join])
		expect(frames).toEqual([{ error: expect.objectContaining({ code: 'ISSUER_UNAVAILABLE' }) }])
		expect(asked).toBe(0)
		expect(host.peer.connected()).toEqual([])
		await eventually('the stranger is dropped', () => connection.status !== 'open', 2_000)
	})

	test('holds no stream by saying nothing', async () => {
		const host = await peers.member('h1', 'agent', { timeouts: { firstFrame: 200 } })
		const connection = await rawDial(await attacker(), host.member.addresses)
		const half = new Uint8Array([0, 0, 1, 0, 123])
		for (const sent of [[], [half]]) {
			const { frames } = await rawExchange(connection, PROTOCOL.join, sent)
			expect(frames).toEqual([{ error: expect.objectContaining({ code: 'TIMEOUT' }) }])
		}
	})

	test('learns no certificate by showing a false one', async () => {
		const host = await peers.member('h1')
		const theirs = await Peers.create()
		const node = await attacker()
		const other = await theirs.lattice.member('x')
		const member = await peers.lattice.member('h2')
		const trust = await peers.lattice.trust()
		const good = {
			latticeId: trust.latticeId,
			certificate: member.certificate,
			issuers: trust.issuers(),
			revocations: [],
		}
		const hellos = [
			good, // another's certificate, at this peer's id
			{ ...good, certificate: other.certificate },
			{ ...good, certificate: other.certificate, issuers: (await theirs.lattice.trust()).issuers() },
			{ ...good, latticeId: theirs.lattice.latticeId },
		]
		for (const hello of hellos) {
			const connection = await rawDial(node, host.member.addresses)
			const { frames } = await rawExchange(connection, PROTOCOL.admission, [hello])
			expect(frames).toEqual([{ error: expect.objectContaining({ code: 'CERTIFICATE_INVALID' }) }])
		}
		expect(host.peer.connected()).toEqual([])
		expect(host.enrolment.trust?.issuers()).toEqual([peers.lattice.issuerCertificate])
	})

	test('a crowd of strangers does not keep members out', async () => {
		const host = await peers.member('h1')
		const node = await attacker()
		const crowd = []
		for (let i = 0; i < 60; i++) crowd.push(await node.dial(rawAddresses(host.member.addresses), { force: true }))
		const member = await peers.member('h2')
		await member.peer.dial(host.member)
		expect(host.peer.connected()).toHaveLength(1)
		expect(crowd.length).toBe(60)
	})
})

describe('members', () => {
	test('are admitted both ways and named by their certificates; the loss is told', async () => {
		const host = await peers.member('h1')
		const other = await peers.member('h2', 'console')
		const changes: string[] = []
		host.peer.onPeer(({ peerId, connected }) => changes.push(`${connected ? '+' : '-'}${peerId}`))
		await other.peer.dial(host.member)
		expect(host.peer.connected()).toMatchObject([
			{ peerId: other.member.peerId, certificate: { name: 'h2', role: 'console' }, direction: 'inbound' },
		])
		expect(other.peer.connected()).toMatchObject([
			{ peerId: host.member.peerId, certificate: { name: 'h1', role: 'agent' }, direction: 'outbound', relayed: false },
		])
		await other.peer.stop()
		await eventually('the loss is told', () => changes.length === 2)
		expect(changes).toEqual([`+${other.member.peerId}`, `-${other.member.peerId}`])
	})

	test('that dial each other at once end up connected, once', async () => {
		const [a, b] = [await peers.member('a'), await peers.member('b')]
		await Promise.all([a.peer.dial(b.member), b.peer.dial(a.member), a.peer.dial(b.member)])
		expect(a.peer.connected()).toHaveLength(1)
		expect(b.peer.connected()).toHaveLength(1)
	})

	test('a device is admitted as such, and may not watch', async () => {
		const host = await peers.member('h1')
		host.peer.handleWatch(async function* () {
			yield { type: 'synced' }
		})
		const client = await peers.client()
		expect(client.member.addresses).toEqual([])
		await client.peer.dial(host.member)
		expect(host.peer.connected()).toMatchObject([{ certificate: { role: 'device', name: 'alice@example.org' } }])
		const watched = client.peer.watch(host.member.peerId, { signal: AbortSignal.timeout(5_000) })
		await expect(watched[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
	})

	test('an ended certificate is refused with its own code, on either side', async () => {
		const late = () => Date.now() + (MEMBERSHIP_TTL_S + CLOCK_LEEWAY_S + 60) * 1000
		const host = await peers.member('h1', 'agent', { now: late })
		const other = await peers.member('h2')
		await expect(other.peer.dial(host.member)).rejects.toMatchObject({ code: 'CERTIFICATE_EXPIRED' })
		await expect(host.peer.dial(other.member)).rejects.toMatchObject({ code: 'CERTIFICATE_EXPIRED' })
		// The one that answered had accepted, and learns by the hang-up that the other did not.
		await eventually(
			'neither counts the other',
			() => host.peer.connected().length + other.peer.connected().length === 0,
		)
	})
})

describe('revocation', () => {
	test('cuts the connection, and the peer does not get back in', async () => {
		const host = await peers.member('h1')
		const bad = await peers.member('h2')
		await bad.peer.dial(host.member)
		await host.enrolment.trust?.applyRevocation(await revoke(bad.member.peerId))
		await eventually(
			'the revoked peer is cut',
			() => host.peer.connected().length === 0 && bad.peer.connected().length === 0,
		)
		await expect(bad.peer.dial(host.member)).rejects.toMatchObject({ code: 'REVOKED' })
		await expect(host.peer.dial(bad.member)).rejects.toMatchObject({ code: 'REVOKED' } satisfies Partial<LatticeError>)
	})

	test('spreads: to those connected at once, to a newcomer with its admission', async () => {
		const [a, b, c, d] = [
			await peers.member('a'),
			await peers.member('b'),
			await peers.member('c'),
			await peers.member('d'),
		]
		const bad = await peers.member('bad')
		await a.peer.dial(b.member)
		await b.peer.dial(c.member)
		await c.peer.dial(bad.member)
		const revocation = await revoke(bad.member.peerId)
		await a.enrolment.trust?.applyRevocation(revocation)
		await eventually('c, two hops away, cuts the peer', () =>
			c.peer.connected().every(({ peerId }) => peerId !== bad.member.peerId),
		)
		await d.peer.dial(c.member)
		expect(d.enrolment.trust?.revocations()).toEqual([revocation])
	})

	test('a certificate that ends while connected ends the connection', async () => {
		let now = Date.now()
		const host = await peers.member('h1', 'agent', { now: () => now, timeouts: { recheck: 50 } })
		const other = await peers.member('h2')
		await other.peer.dial(host.member)
		now += (MEMBERSHIP_TTL_S + CLOCK_LEEWAY_S + 60) * 1000
		await eventually('the connection is cut', () => host.peer.connected().length === 0)
	})
})

function rawAddresses(addresses: string[]) {
	return addresses.map((address) => multiaddr(address))
}
