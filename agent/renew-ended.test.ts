import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AgentHome } from './home.ts'
import { issueMembership, issueRevocation, peerIdOf } from './identity/index.ts'
import { type LatticeFixture, latticeFixture } from './identity/lattice.fixture.ts'
import type { Peer } from './mesh/index.ts'
import { LatticeError, type RenewGranted } from './protocol/index.ts'
import { currentClaims } from './renew-ended.ts'
import { Standing } from './standing.ts'

const NODE = { name: 'h3', role: 'agent', labels: {}, gateway: false } as const
const MEMBERS = ['h1', 'console'].map((name) => ({ peerId: name, name, addresses: ['/ip4/10.0.0.1/tcp/1'] }))

let lattice: LatticeFixture
let standing: Standing
let peerId: string
let folder: string

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'lattice-renew-'))
	lattice = await latticeFixture()
	const home = new AgentHome(folder)
	peerId = peerIdOf(home.key().publicKey)
	home.saveEnrolment({
		latticeId: lattice.latticeId,
		rootPublicKey: lattice.root.publicKey,
		issuers: [lattice.issuerCertificate],
		certificate: await endedCertificate(),
		members: MEMBERS,
		revocations: [],
	})
	standing = new Standing(home)
	await standing.load()
})
afterEach(() => {
	rmSync(folder, { recursive: true })
})

/** Issued a hundred days ago, for ninety. */
async function endedCertificate(): Promise<string> {
	vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 100 * 86_400_000 })
	const certificate = await issueMembership(lattice.issuer, { latticeId: lattice.latticeId, peerId, ...NODE })
	vi.useRealTimers()
	return certificate
}

/** `answers`: what each member says when it is asked to renew. */
function renewing(answers: Record<string, () => Promise<RenewGranted>>) {
	const renew = vi.fn((member: { peerId: string }) => answers[member.peerId]?.() ?? Promise.reject(noIssuer))
	return { peer: { peerId, renew } as unknown as Peer, renew }
}
const noIssuer = new LatticeError('ISSUER_UNAVAILABLE', 'ask the console')
const granted = async (): Promise<RenewGranted> => ({
	certificate: await issueMembership(lattice.issuer, { latticeId: lattice.latticeId, peerId, ...NODE }),
	issuers: [lattice.issuerCertificate],
})
const waits = () => ({ signal: new AbortController().signal, onWait: vi.fn() })

describe('a node whose certificate ended while it was away', () => {
	it('is renewed by the member that is the issuer, and keeps that', async () => {
		const { peer } = renewing({ console: granted })
		expect(await currentClaims(peer, standing, waits())).toMatchObject({ peerId, name: 'h3' })
		const again = new Standing(new AgentHome(folder))
		await again.load()
		expect((await again.claims(peerId)).expiresAt * 1000).toBeGreaterThan(Date.now())
	})

	it('waits for the console, saying what it needs', async () => {
		let isThere = false
		const { peer } = renewing({ console: () => (isThere ? granted() : Promise.reject(noIssuer)) })
		const stop = new AbortController()
		const onWait = vi.fn((_error: LatticeError) => stop.abort())
		await expect(currentClaims(peer, standing, { signal: stop.signal, onWait })).rejects.toMatchObject({
			code: 'ISSUER_UNAVAILABLE',
		})
		expect(onWait.mock.calls[0]?.[0].message).toMatch(/ended while it was away.*Start the console/)
		isThere = true
		expect(await currentClaims(peer, standing, waits())).toMatchObject({ peerId })
	})

	it('ends when it was removed, by the word of an issuer and not of any member', async () => {
		const about = { latticeId: lattice.latticeId, kind: 'node', subject: peerId } as const
		const stranger = await latticeFixture()
		const revocation = await issueRevocation(lattice.issuer, about)
		const forged = await issueRevocation(stranger.issuer, about)
		const removed = (proof: string) => () =>
			Promise.reject(new LatticeError('REVOKED', 'This node was removed from the lattice.', { revocation: proof }))
		expect(
			await currentClaims(renewing({ h1: removed(forged), console: granted }).peer, standing, waits()),
		).toBeTruthy()
		vi.spyOn(standing, 'certificate', 'get').mockReturnValue(await endedCertificate())
		const ending = currentClaims(renewing({ console: removed(revocation) }).peer, standing, waits())
		await expect(ending).rejects.toMatchObject({ code: 'REVOKED' })
	})
})
