import { beforeAll, describe, expect, test } from 'vitest'
import { ACCESS_TTL_S, CLOCK_LEEWAY_S, MEMBERSHIP_TTL_S, RENEW_GRACE_S } from '../protocol/index.ts'
import { altered, hmacWithPublicKey, refused, shifted, withoutSignature } from './attacks.fixture.ts'
import {
	issueDelegated,
	issueDevice,
	issueIssuerCertificate,
	issueMembership,
	issueRevocation,
} from './certificates.ts'
import { generateKey, latticeIdOf, peerIdOf } from './keys.ts'
import { ALICE, type LatticeFixture, latticeFixture } from './lattice.fixture.ts'
import { Trust } from './trust.ts'

let ours: LatticeFixture
let theirs: LatticeFixture
beforeAll(async () => {
	ours = await latticeFixture()
	theirs = await latticeFixture()
})

describe('membership', () => {
	test('a member is known by its certificate, at its own peer id only', async () => {
		const trust = await ours.trust()
		const member = await ours.member('h1')
		expect(await trust.verifyMembership(member.certificate, member)).toMatchObject({
			peerId: member.peerId,
			name: 'h1',
			role: 'agent',
		})
		const other = await ours.member('h2')
		await expect(trust.verifyMembership(member.certificate, other)).rejects.toEqual(
			refused('CERTIFICATE_INVALID', 'peer'),
		)
	})

	test('forged, altered, unsigned, foreign, misused: each is refused and says why', async () => {
		const trust = await ours.trust()
		const member = await ours.member('h1')
		const about = {
			latticeId: ours.latticeId,
			peerId: member.peerId,
			name: 'h1',
			role: 'agent',
			labels: {},
			gateway: false,
		} as const
		const forged = await issueMembership({ ...generateKey(), kid: ours.issuer.kid }, about)
		const unknown = await issueMembership(generateKey(), about)
		const otherLattice = await issueMembership(ours.issuer, { ...about, latticeId: theirs.latticeId })
		const cases: [string, string][] = [
			[forged, 'signature'],
			[altered(member.certificate, { role: 'console' }), 'signature'],
			[withoutSignature(member.certificate), 'algorithm'],
			[await hmacWithPublicKey(member.certificate, ours.issuer.publicKey), 'algorithm'],
			[unknown, 'issuer'],
			[(await theirs.member('h1')).certificate, 'issuer'],
			[otherLattice, 'issuer'],
			[(await ours.token()).jwt, 'purpose'],
			[ours.issuerCertificate, 'purpose'],
			['', 'malformed'],
			['a.b.c', 'malformed'],
			[`${member.certificate}x`.repeat(60), 'malformed'],
		]
		for (const [jwt, reason] of cases) {
			await expect(trust.verifyMembership(jwt, member), reason).rejects.toEqual(refused('CERTIFICATE_INVALID', reason))
		}
	})

	test('time: leeway on both ends, then refused', async () => {
		const member = await ours.member('h1')
		const verifyAt = async (seconds: number) =>
			(await ours.trust(shifted(seconds))).verifyMembership(member.certificate, member)
		await verifyAt(MEMBERSHIP_TTL_S + CLOCK_LEEWAY_S - 5)
		await verifyAt(-CLOCK_LEEWAY_S + 5)
		await expect(verifyAt(MEMBERSHIP_TTL_S + CLOCK_LEEWAY_S + 5)).rejects.toEqual(
			refused('CERTIFICATE_EXPIRED', 'expired'),
		)
		const early = new Trust({
			latticeId: ours.latticeId,
			rootPublicKey: ours.root.publicKey,
			now: shifted(-CLOCK_LEEWAY_S - 5),
		})
		await expect(early.addIssuer(ours.issuerCertificate)).rejects.toEqual(
			refused('CERTIFICATE_INVALID', 'not_yet_valid'),
		)
	})

	test('a revoked node is refused, and the revocation is told once', async () => {
		const trust = await ours.trust()
		const learned: string[] = []
		trust.onLearned((what) => learned.push(what.kind))
		const member = await ours.member('h1')
		const revocation = await issueRevocation(ours.issuer, {
			latticeId: ours.latticeId,
			kind: 'node',
			subject: member.peerId,
		})
		await trust.applyRevocation(revocation)
		await trust.applyRevocation(revocation)
		expect(learned).toEqual(['revocation'])
		expect(trust.revocations()).toEqual([revocation])
		await expect(trust.verifyMembership(member.certificate, member)).rejects.toEqual(refused('REVOKED', 'revoked'))
	})

	test('a revocation by anyone but an issuer changes nothing', async () => {
		const trust = await ours.trust()
		const member = await ours.member('h1')
		const about = { latticeId: ours.latticeId, kind: 'node', subject: member.peerId } as const
		await expect(trust.applyRevocation(await issueRevocation(member.key, about))).rejects.toEqual(
			refused('CERTIFICATE_INVALID', 'issuer'),
		)
		await trust.verifyMembership(member.certificate, member)
	})
})

describe('issuers', () => {
	test('only the pinned root makes an issuer', async () => {
		const trust = await ours.trust()
		const key = generateKey()
		const about = { latticeId: ours.latticeId, publicKey: key.publicKey, notAfter: new Date(Date.now() + 1e9) }
		await expect(trust.addIssuer(await issueIssuerCertificate(ours.issuer, about))).rejects.toEqual(
			refused('CERTIFICATE_INVALID', 'signature'),
		)
		await expect(trust.addIssuer(theirs.issuerCertificate)).rejects.toEqual(refused('CERTIFICATE_INVALID', 'signature'))
		expect(trust.issuers()).toEqual([ours.issuerCertificate])
	})

	test('rotation: both issuers count until the stated end of the old one', async () => {
		const next = generateKey()
		const certificate = await issueIssuerCertificate(ours.root, {
			latticeId: ours.latticeId,
			publicKey: next.publicKey,
			notAfter: new Date(Date.now() + 800 * 86_400_000),
		})
		const member = await ours.member('h1')
		const about = {
			latticeId: ours.latticeId,
			peerId: member.peerId,
			name: 'h1',
			role: 'agent',
			labels: {},
			gateway: false,
		} as const
		const renewed = await issueMembership(next, about)
		const trust = await ours.trust()
		await trust.addIssuer(certificate)
		await trust.verifyMembership(member.certificate, member)
		await trust.verifyMembership(renewed, member)
		const later = await ours.trust(shifted(366 * 86_400))
		await expect(later.verifyMembership(member.certificate, member)).rejects.toEqual(
			refused('CERTIFICATE_INVALID', 'issuer'),
		)
	})

	test('the root must be the one that the lattice id names', () => {
		expect(() => new Trust({ latticeId: ours.latticeId, rootPublicKey: theirs.root.publicKey })).toThrow(
			refused('CERTIFICATE_INVALID', 'root'),
		)
		expect(latticeIdOf(ours.root.publicKey)).toBe(ours.latticeId)
	})
})

describe('bearers', () => {
	test('the holder of token and key is the subject', async () => {
		const trust = await ours.trust()
		expect(await trust.verifyBearer((await ours.token()).bearer)).toEqual({
			userId: ALICE.id,
			email: ALICE.email,
			role: 'member',
			kind: 'access',
		})
	})

	test('refused: another key, no key, altered, expired, a console credential', async () => {
		const trust = await ours.trust()
		const token = await ours.token()
		const verify = (bearer: string, seconds = 0) =>
			(seconds ? ours.trust(shifted(seconds)) : Promise.resolve(trust)).then((t) => t.verifyBearer(bearer))
		await expect(verify(`${token.jwt}~${generateKey().seed}`)).rejects.toEqual(refused('UNAUTHENTICATED', 'holder'))
		await expect(verify(`${token.jwt}~zz`)).rejects.toEqual(refused('UNAUTHENTICATED', 'holder'))
		await expect(verify(token.jwt)).rejects.toEqual(refused('UNAUTHENTICATED', 'malformed'))
		await expect(verify(`${altered(token.jwt, { role: 'owner' })}~${token.seed}`)).rejects.toEqual(
			refused('UNAUTHENTICATED', 'signature'),
		)
		await expect(verify(`${withoutSignature(token.jwt)}~${token.seed}`)).rejects.toEqual(
			refused('UNAUTHENTICATED', 'algorithm'),
		)
		await expect(verify(token.bearer, ACCESS_TTL_S + CLOCK_LEEWAY_S + 5)).rejects.toEqual(
			refused('TOKEN_EXPIRED', 'expired'),
		)
		const delegated = await issueDelegated(ours.issuer, {
			latticeId: ours.latticeId,
			user: ALICE,
			version: 1,
			actor: 'p',
		})
		await expect(verify(`${delegated.jwt}~${delegated.seed}`)).rejects.toEqual(refused('UNAUTHENTICATED', 'purpose'))
	})

	test('a raised version ends the tokens before it, a user without version ends all; the strongest wins in any order', async () => {
		const about = { latticeId: ours.latticeId, kind: 'user', subject: ALICE.id } as const
		const raised = await issueRevocation(ours.issuer, { ...about, minVersion: 2 })
		const lower = await issueRevocation(ours.issuer, { ...about, minVersion: 1 })
		const { bearer } = await ours.token()
		const trust = await ours.trust()
		await trust.applyRevocation(lower)
		await trust.verifyBearer(bearer)
		await trust.applyRevocation(raised)
		await trust.applyRevocation(lower)
		await expect(trust.verifyBearer(bearer)).rejects.toEqual(refused('REVOKED', 'revoked'))
		expect(trust.revocations()).toEqual([raised])
	})
})

describe('devices', () => {
	test('a device is a client peer by its own key, until it is revoked', async () => {
		const key = generateKey()
		const certificate = await issueDevice(ours.issuer, {
			latticeId: ours.latticeId,
			user: ALICE,
			version: 1,
			publicKey: key.publicKey,
		})
		const trust = await ours.trust()
		const peer = { peerId: peerIdOf(key.publicKey) }
		expect(await trust.verifyMembership(certificate, peer)).toMatchObject({
			role: 'device',
			user: { userId: ALICE.id, deviceKey: key.publicKey },
		})
		expect(await trust.verifyBearer(`${certificate}~${key.seed}`)).toMatchObject({ kind: 'device' })
		await expect(trust.verifyMembership(certificate, { peerId: (await ours.member('x')).peerId })).rejects.toEqual(
			refused('CERTIFICATE_INVALID', 'peer'),
		)
		await trust.applyRevocation(
			await issueRevocation(ours.issuer, { latticeId: ours.latticeId, kind: 'device', subject: key.publicKey }),
		)
		await expect(trust.verifyMembership(certificate, peer)).rejects.toEqual(refused('REVOKED', 'revoked'))
		await expect(trust.verifyBearer(`${certificate}~${key.seed}`)).rejects.toEqual(refused('REVOKED', 'revoked'))
	})
})

test('renewal: an ended certificate still names its holder for a while, a revoked one does not', async () => {
	const member = await ours.member('h1')
	const verifyAt = async (seconds: number, revoked = false) => {
		const trust = await ours.trust(shifted(seconds))
		const about = { latticeId: ours.latticeId, kind: 'node', subject: member.peerId } as const
		if (revoked) await trust.applyRevocation(await issueRevocation(ours.issuer, about))
		return trust.verifyMembership(member.certificate, { peerId: member.peerId, evenExpired: true })
	}
	const away = MEMBERSHIP_TTL_S + 30 * 86_400
	expect(await verifyAt(away)).toMatchObject({ peerId: member.peerId })
	await expect(verifyAt(away, true)).rejects.toEqual(refused('REVOKED', 'revoked'))
	await expect(verifyAt(MEMBERSHIP_TTL_S + RENEW_GRACE_S + 60)).rejects.toEqual(
		refused('CERTIFICATE_EXPIRED', 'expired'),
	)
	// The revocation counts as long as there is anything to renew.
	await expect(verifyAt(MEMBERSHIP_TTL_S + RENEW_GRACE_S - 60, true)).rejects.toEqual(refused('REVOKED', 'revoked'))
})
