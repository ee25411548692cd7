import { issueAccessToken, issueIssuerCertificate, issueMembership } from './certificates.ts'
import { generateKey, latticeIdOf, peerIdOf, type SigningKey } from './keys.ts'
import { Trust } from './trust.ts'

export const ALICE = { id: 'u_alice', email: 'alice@example.org', role: 'member' } as const

/** A lattice with its root, one issuer, and whatever members a test asks for. Used by the tests of several rooms. */
export interface LatticeFixture {
	latticeId: string
	root: SigningKey
	issuer: SigningKey
	issuerCertificate: string
	/** a new process's trust: the root pinned, the issuer known */
	trust(now?: () => number): Promise<Trust>
	member(
		name: string,
		role?: 'agent' | 'console',
		gateway?: boolean,
	): Promise<{ key: SigningKey; peerId: string; certificate: string }>
	/** default: Alice's */
	token(user?: Parameters<typeof issueAccessToken>[1]['user']): ReturnType<typeof issueAccessToken>
}

export async function latticeFixture(): Promise<LatticeFixture> {
	const root = generateKey()
	const issuer = generateKey()
	const latticeId = latticeIdOf(root.publicKey)
	const notAfter = new Date(Date.now() + 365 * 86_400_000)
	const issuerCertificate = await issueIssuerCertificate(root, { latticeId, publicKey: issuer.publicKey, notAfter })
	return {
		latticeId,
		root,
		issuer,
		issuerCertificate,
		trust: async (now) => {
			const trust = new Trust({ latticeId, rootPublicKey: root.publicKey, ...(now ? { now } : {}) })
			await trust.addIssuer(issuerCertificate)
			return trust
		},
		member: async (name, role = 'agent', gateway = false) => {
			const key = generateKey()
			const peerId = peerIdOf(key.publicKey)
			const about = { latticeId, peerId, name, role, labels: {}, gateway }
			return { key, peerId, certificate: await issueMembership(issuer, about) }
		},
		token: (user = ALICE) => issueAccessToken(issuer, { latticeId, user, version: 1 }),
	}
}
