import { expect, test } from 'vitest'
import { refused } from './attacks.fixture.ts'
import { issueClaim, issueRevocation } from './certificates.ts'
import { signGrant } from './grants.ts'
import { keyFromSeed } from './keys.ts'
import { ALICE, latticeFixture } from './lattice.fixture.ts'
import { warrantOf } from './order-proofs.ts'
import { ReportProofs } from './report-proofs.ts'

const order = { owner: ALICE.id, name: 'web', commandId: 'command-1', workloadId: 'w_01234567890123456789' }

test('a host is believed about what its claim gave it, also after its steward was removed, and about nothing else', async () => {
	const lattice = await latticeFixture()
	const trust = await lattice.trust()
	const proofs = new ReportProofs(trust)
	const steward = await lattice.member('h1')
	const { jwt: credential, seed } = await lattice.token()
	const { latticeId } = lattice
	const warrant = await signGrant({
		credential,
		key: keyFromSeed(seed),
		command: warrantOf(order),
		audience: latticeId,
	})
	const claim = await issueClaim(steward.key, {
		...{ ...order, latticeId, by: steward.peerId, decision: 'decision-1', generation: 1 },
		chosen: [{ replica: 0, node: { peerId: 'h2' } }],
		steward: { certificate: steward.certificate, credential, warrant },
	})
	const report = { id: order.workloadId, ...order, claim, node: { peerId: 'h2', name: 'h2' } }
	await proofs.check(report)
	// The claim was proven a moment ago, for this order alone.
	for (const other of [{ name: 'x' }, { owner: 'u_eve' }, { id: 'w_x' }, { commandId: 'command-2' }]) {
		await expect(proofs.check({ ...report, ...other })).rejects.toEqual(refused('CLAIM_INVALID', 'order'))
	}
	const thief = { ...report, node: { peerId: 'h3', name: 'h3' } }
	await expect(proofs.check(thief)).rejects.toEqual(refused('CLAIM_INVALID', 'host'))
	await expect(new ReportProofs(trust).check(thief)).rejects.toEqual(refused('CLAIM_INVALID', 'host'))
	const about = { latticeId, kind: 'node', subject: steward.peerId } as const
	await trust.applyRevocation(await issueRevocation(lattice.issuer, about))
	await new ReportProofs(trust).check(report)
})
