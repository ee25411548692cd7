import {
	keyFromSeed,
	peerIdOf,
	type Subject,
	signGrant,
	splitBearer,
	type Trust,
	warrantOf,
} from '../identity/index.ts'
import type { Command, DialCommand } from '../protocol/index.ts'

/** Who orders, and the means to sign a grant for a command at a peer. The seed stays inside and dies with the request. */
export interface Authority {
	subject: Subject
	/** the JWT that travels; never its seed */
	credential: string
	grant(command: Command | DialCommand, audience: string): Promise<string>
	/** what shows others that this order is the owner's wish */
	warrant(order: Parameters<typeof warrantOf>[0]): Promise<string>
}

/** From `Authorization: Bearer JWT~SEED`: verified and stripped of its seed at the door. */
export async function authorityOfBearer(trust: Trust, bearer: string): Promise<Authority> {
	const subject = await trust.verifyBearer(bearer)
	const { jwt, seed } = splitBearer(bearer)
	const key = keyFromSeed(seed)
	return {
		subject,
		credential: jwt,
		grant: (command, audience) => signGrant({ credential: jwt, key, command, audience }),
		warrant: (order) => signGrant({ credential: jwt, key, command: warrantOf(order), audience: trust.latticeId }),
	}
}

/** The CLI's own: a device certificate and the key of this device. */
export async function authorityOfDevice(trust: Trust, certificate: string, seed: string): Promise<Authority> {
	const key = keyFromSeed(seed)
	const claims = await trust.verifyMembership(certificate, { peerId: peerIdOf(key.publicKey) })
	const subject: Subject = claims.user ?? { userId: claims.peerId, email: claims.name, role: 'member', kind: 'device' }
	return {
		subject,
		credential: certificate,
		grant: (command, audience) => signGrant({ credential: certificate, key, command, audience }),
		warrant: (order) =>
			signGrant({ credential: certificate, key, command: warrantOf(order), audience: trust.latticeId }),
	}
}
