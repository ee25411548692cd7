import { beforeAll, describe, expect, test } from 'vitest'
import { MEMBERSHIP_TTL_S } from '../protocol/index.ts'
import { altered, refused, shifted } from './attacks.fixture.ts'
import { issueClaim, issueRevocation } from './certificates.ts'
import { signGrant } from './grants.ts'
import { generateKey, keyFromSeed } from './keys.ts'
import { ALICE, type LatticeFixture, latticeFixture } from './lattice.fixture.ts'
import { warrantOf } from './order-proofs.ts'

let ours: LatticeFixture
let theirs: LatticeFixture
beforeAll(async () => {
	ours = await latticeFixture()
	theirs = await latticeFixture()
})

describe('claims', () => {
	const decided = { decision: 'decision-1', generation: 1, chosen: [{ replica: 0, node: { peerId: 'h1' } }] }
	const order = { owner: ALICE.id, name: 'web', commandId: 'command-1', workloadId: 'w_01234567890123456789' }

	/** What a member has when the owner asked it. */
	async function asked(lattice: LatticeFixture, certificate: string, given: Parameters<typeof warrantOf>[0] = order) {
		const { jwt: credential, seed } = await lattice.token()
		const word = { credential, key: keyFromSeed(seed), command: warrantOf(given), audience: lattice.latticeId }
		return { certificate, credential, warrant: await signGrant(word) }
	}

	test('an issuer reserves, and a member does with its certificate', async () => {
		const trust = await ours.trust()
		const member = await ours.member('h1')
		const about = { latticeId: ours.latticeId, ...order, ...decided, by: member.peerId }
		expect(await trust.verifyClaim(await issueClaim(ours.issuer, about), order)).toMatchObject({
			...order,
			by: member.peerId,
		})
		const byMember = await issueClaim(member.key, { ...about, steward: await asked(ours, member.certificate) })
		expect(await trust.verifyClaim(byMember, order)).toMatchObject(order)
		// What was reserved stays reserved after the member's certificate has ended.
		const later = await ours.trust(shifted(MEMBERSHIP_TTL_S + 86_400))
		expect(await later.verifyClaim(byMember, order)).toMatchObject(order)
	})

	test('refused: another order, a stranger, a borrowed certificate, altered, a revoked member', async () => {
		const trust = await ours.trust()
		const member = await ours.member('h1')
		const stranger = generateKey()
		const about = { latticeId: ours.latticeId, ...order, ...decided, by: member.peerId }
		const claim = await issueClaim(ours.issuer, about)
		for (const change of [{ owner: 'u_eve' }, { name: 'x' }, { commandId: 'command-2' }, { workloadId: 'w_x' }]) {
			await expect(trust.verifyClaim(claim, { ...order, ...change })).rejects.toEqual(refused('CLAIM_INVALID', 'order'))
		}
		await expect(trust.verifyClaim(altered(claim, { name: 'x' }), { ...order, name: 'x' })).rejects.toEqual(
			refused('CLAIM_INVALID', 'signature'),
		)
		await expect(trust.verifyClaim(await issueClaim(stranger, about), order)).rejects.toEqual(
			refused('CLAIM_INVALID', 'issuer'),
		)
		const borrowed = await issueClaim(stranger, { ...about, steward: await asked(ours, member.certificate) })
		await expect(trust.verifyClaim(borrowed, order)).rejects.toEqual(refused('CLAIM_INVALID', 'signature'))
		// A member may reserve in its own name only, not in that of the one whose turn it was.
		const other = await ours.member('h2')
		const usurped = await issueClaim(other.key, { ...about, steward: await asked(ours, other.certificate) })
		await expect(trust.verifyClaim(usurped, order)).rejects.toEqual(refused('CLAIM_INVALID', 'signer'))
		const foreign = await theirs.member('h1')
		const outside = await issueClaim(foreign.key, {
			...about,
			by: foreign.peerId,
			steward: await asked(theirs, foreign.certificate),
		})
		await expect(trust.verifyClaim(outside, order)).rejects.toEqual(refused('CLAIM_INVALID', 'signer'))
		const byMember = await issueClaim(member.key, { ...about, steward: await asked(ours, member.certificate) })
		await trust.applyRevocation(
			await issueRevocation(ours.issuer, { latticeId: ours.latticeId, kind: 'node', subject: member.peerId }),
		)
		await expect(trust.verifyClaim(byMember, order)).rejects.toEqual(refused('CLAIM_INVALID', 'signer'))
	})
	test('refused: a member that nobody asked, or for something else', async () => {
		const trust = await ours.trust()
		const { key, peerId, certificate } = await ours.member('h1')
		const about = { latticeId: ours.latticeId, ...order, ...decided, by: peerId }
		const mine = await asked(ours, certificate)
		const words = [
			{ ...mine, warrant: '' },
			{ ...mine, credential: (await ours.token()).jwt },
			await asked(ours, certificate, { ...order, name: 'other' }),
			await asked(ours, certificate, { ...order, owner: 'u_eve' }),
			await asked(theirs, certificate),
		]
		for (const steward of words) {
			const claim = await issueClaim(key, { ...about, steward })
			await expect(trust.verifyClaim(claim, order)).rejects.toEqual(refused('CLAIM_INVALID', 'warrant'))
		}
	})
})
