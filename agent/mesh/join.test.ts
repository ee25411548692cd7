import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
	generateKey,
	issueMembership,
	joinProof,
	newInvite,
	parseInvite,
	peerIdOf,
	Trust,
	verifyJoinProof,
} from '../identity/index.ts'
import {
	CLOCK_LEEWAY_S,
	type Invite,
	type JoinGranted,
	type JoinRequest,
	LatticeError,
	LIMITS,
	MEMBERSHIP_TTL_S,
} from '../protocol/index.ts'
import { Peers, type TestPeer } from './peers.fixture.ts'

let peers: Peers
beforeEach(async () => {
	peers = await Peers.create()
})
afterEach(() => peers.stop())

/** The console as an issuer: one invite, redeemed by one peer; a retry of that peer gets the same again. */
function issuer(console: TestPeer, addresses: string[]): { invite: Invite; asked: { forwarded: boolean }[] } {
	const { latticeId, root, issuer: key, issuerCertificate } = peers.lattice
	const made = newInvite({ latticeId, addresses, ttlSeconds: 600 })
	const asked: { forwarded: boolean }[] = []
	let redeemed: { peerId: string; granted: JoinGranted } | null = null
	console.peer.handleJoin(async ({ proof, ...request }, { forwarded }) => {
		asked.push({ forwarded })
		if (request.inviteId !== made.inviteId || !verifyJoinProof(made.key, { latticeId, ...request }, proof)) {
			throw new LatticeError('INVITE_INVALID', 'The proof of this invite is wrong; copy the whole line.')
		}
		if (redeemed?.peerId === request.peerId) return redeemed.granted
		if (redeemed !== null)
			throw new LatticeError('INVITE_USED', 'This invite was used by another machine; make a new one.')
		const { peerId, name, labels, gateway } = request
		const certificate = await issueMembership(key, { latticeId, peerId, name, role: 'agent', labels, gateway })
		const members = [{ peerId: console.peer.peerId, name: 'console', addresses: console.peer.addresses() }]
		const granted = { latticeId, rootPublicKey: root.publicKey, issuers: [issuerCertificate], certificate, members }
		redeemed = { peerId, granted }
		return granted
	})
	return { invite: parseInvite(made.token), asked }
}

function requestOf(
	invite: Invite,
	joiner: { peer: { peerId: string } },
	change: Partial<JoinRequest> = {},
): JoinRequest {
	const request = {
		inviteId: invite.inviteId,
		peerId: joiner.peer.peerId,
		name: 'laptop',
		labels: { zone: 'a' },
		gateway: false,
	}
	const proof = joinProof(invite.secret, { latticeId: invite.latticeId, ...request })
	return { ...request, proof, ...change }
}

describe('join', () => {
	test('a stranger redeems an invite, and is a member from then on; a retry gets the same', async () => {
		const console = await peers.member('console', 'console')
		const { invite, asked } = issuer(console, console.member.addresses)
		const joiner = await peers.stranger()
		await expect(joiner.peer.dial(console.member)).rejects.toMatchObject({ code: 'NOT_READY' })
		const granted = await joiner.peer.join(invite.addresses, requestOf(invite, joiner))
		expect(await joiner.peer.join(invite.addresses, requestOf(invite, joiner))).toEqual(granted)
		expect(asked).toEqual([{ forwarded: false }, { forwarded: false }])
		const trust = new Trust({ latticeId: invite.latticeId, rootPublicKey: granted.rootPublicKey })
		for (const certificate of granted.issuers) await trust.addIssuer(certificate)
		Object.assign(joiner.enrolment, { trust, certificate: granted.certificate })
		await joiner.peer.dial(console.member)
		expect(console.peer.connected()).toMatchObject([{ certificate: { name: 'laptop', labels: { zone: 'a' } } }])
	})

	test('a wrong proof, a changed request, a used invite', async () => {
		const console = await peers.member('console', 'console')
		const { invite } = issuer(console, console.member.addresses)
		const [joiner, second] = [await peers.stranger(), await peers.stranger()]
		const join = (who: TestPeer, request: JoinRequest) => who.peer.join(invite.addresses, request)
		await expect(join(joiner, requestOf(invite, joiner, { proof: 'x' }))).rejects.toMatchObject({
			code: 'INVITE_INVALID',
		})
		await expect(join(joiner, requestOf(invite, joiner, { gateway: true }))).rejects.toMatchObject({
			code: 'INVITE_INVALID',
		})
		await join(joiner, requestOf(invite, joiner))
		await expect(join(second, requestOf(invite, second))).rejects.toMatchObject({ code: 'INVITE_USED' })
	})

	test("another peer's request, overheard, is refused before the issuer is asked", async () => {
		const console = await peers.member('console', 'console')
		const { invite, asked } = issuer(console, console.member.addresses)
		const [joiner, thief] = [await peers.stranger(), await peers.stranger()]
		await expect(thief.peer.join(invite.addresses, requestOf(invite, joiner))).rejects.toMatchObject({
			code: 'INVITE_INVALID',
		})
		await expect(
			thief.peer.join(invite.addresses, requestOf(invite, joiner, { peerId: thief.peer.peerId })),
		).rejects.toMatchObject({ code: 'INVITE_INVALID' })
		expect(asked).toEqual([{ forwarded: false }])
	})

	test('a member forwards to the console it is connected with; alone it says so', async () => {
		const console = await peers.member('console', 'console')
		const member = await peers.member('h1')
		const { invite, asked } = issuer(console, member.member.addresses)
		const joiner = await peers.stranger()
		await expect(joiner.peer.join(invite.addresses, requestOf(invite, joiner))).rejects.toMatchObject({
			code: 'ISSUER_UNAVAILABLE',
		})
		await member.peer.dial(console.member)
		const granted = await joiner.peer.join(invite.addresses, requestOf(invite, joiner))
		expect(granted.latticeId).toBe(peers.lattice.latticeId)
		expect(asked).toEqual([{ forwarded: true }])
		await console.peer.stop()
		await expect(joiner.peer.join(invite.addresses, requestOf(invite, joiner))).rejects.toMatchObject({
			code: 'ISSUER_UNAVAILABLE',
		})
	})

	test('the next member is tried when one is dead, and only a peer with the right key answers', async () => {
		const console = await peers.member('console', 'console')
		const dead = await peers.member('dead')
		const impostor = peerIdOf(generateKey().publicKey)
		const [live] = console.member.addresses
		const misleading = `${live?.split('/p2p/')[0]}/p2p/${impostor}`
		await dead.peer.stop()
		const { invite } = issuer(console, [misleading, ...dead.member.addresses, ...console.member.addresses])
		const joiner = await peers.stranger()
		expect(await joiner.peer.join(invite.addresses, requestOf(invite, joiner))).toMatchObject({
			latticeId: invite.latticeId,
		})
		await expect(joiner.peer.join([misleading], requestOf(invite, joiner))).rejects.toMatchObject({
			code: 'HOST_UNREACHABLE',
		})
		await expect(joiner.peer.join(['/ip4/127.0.0.1/tcp/1'], requestOf(invite, joiner))).rejects.toMatchObject({
			code: 'INVITE_INVALID',
		})
	})

	test('guesses are limited, per machine and minute', async () => {
		const console = await peers.member('console', 'console')
		const { invite, asked } = issuer(console, console.member.addresses)
		const joiner = await peers.stranger()
		for (let i = 0; i < LIMITS.joinAttemptsPerMinute; i++) {
			await expect(
				joiner.peer.join(invite.addresses, requestOf(invite, joiner, { proof: 'guess' })),
			).rejects.toMatchObject({ code: 'INVITE_INVALID' })
		}
		const other = await peers.stranger()
		await expect(other.peer.join(invite.addresses, requestOf(invite, other))).rejects.toMatchObject({
			code: 'RATE_LIMITED',
		})
		expect(asked).toHaveLength(LIMITS.joinAttemptsPerMinute)
	})
})

describe('renewal', () => {
	const away = () => Date.now() + (MEMBERSHIP_TTL_S + CLOCK_LEEWAY_S + 60) * 1000

	function renewing(console: TestPeer) {
		const { latticeId, issuer: key, issuerCertificate } = peers.lattice
		console.peer.handleRenew(async (_, { claims: { peerId, name, gateway } }) => {
			const about = { latticeId, peerId, name, role: 'agent', labels: { renewed: 'yes' }, gateway } as const
			return { certificate: await issueMembership(key, about), issuers: [issuerCertificate] }
		})
	}

	test('a member gets a fresh certificate from the connected console, and shows it on the live connection', async () => {
		const console = await peers.member('console', 'console')
		renewing(console)
		const member = await peers.member('h1')
		await expect(member.peer.renew()).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
		await member.peer.dial(console.member)
		const { certificate } = await member.peer.renew()
		member.enrolment.certificate = certificate
		await member.peer.announce()
		expect(console.peer.connected()[0]?.certificate.labels).toEqual({ renewed: 'yes' })
	})

	test('one that was away past its end is not admitted, and renews all the same; a stolen one does not', async () => {
		const console = await peers.member('console', 'console', { now: away })
		renewing(console)
		const member = await peers.member('h1')
		await expect(member.peer.dial(console.member)).rejects.toMatchObject({ code: 'CERTIFICATE_EXPIRED' })
		expect((await member.peer.renew(console.member)).issuers).toEqual([peers.lattice.issuerCertificate])
		const thief = await peers.stranger({ certificate: member.enrolment.certificate })
		await expect(thief.peer.renew(console.member)).rejects.toMatchObject({ code: 'CERTIFICATE_INVALID' })
	})
})
