import type { Libp2p } from 'libp2p'
import { LIMITS } from '../protocol/index.ts'
import { carriedCircuits, RELAY_LIMITS } from './circuits.ts'
import { Connections } from './connections.ts'
import { MeshPeer } from './mesh-peer.ts'
import { createNode } from './node.ts'
import type { MeshTimeouts, Peer, PeerOptions } from './peer.ts'
import { Retirement } from './retirement.ts'

const TIMEOUTS: MeshTimeouts = {
	admission: LIMITS.admissionTimeoutMs,
	firstFrame: LIMITS.firstFrameTimeoutMs,
	reach: 4_500,
	address: 1_500,
	issuer: 10_000,
	recheck: 60_000,
	ping: 10_000,
}
/** For a peer whose `Members` probe all others anyway: only a user's device is found gone by this. */
export const WITH_MEMBERS: Partial<MeshTimeouts> = { ping: 5 * 60_000 }

export async function createPeer(options: PeerOptions): Promise<Peer> {
	return (await createPeerOnNode(options)).peer
}

/** With the libp2p node beneath it, for tests that look at what passes through. */
export async function createPeerOnNode(options: PeerOptions): Promise<{ peer: Peer; node: Libp2p }> {
	const timeouts = { ...TIMEOUTS, ...options.timeouts }
	const retirement = new Retirement({ relayedOf: (peerId) => connections.relayedOf(peerId), log: options.log })
	const connections = new Connections({
		admissionTimeoutMs: timeouts.admission,
		onAdmitted: (connection) => retirement.admitted(connection),
		log: options.log,
	})
	const isMember = (role: string | undefined) => role !== undefined && role !== 'device'
	const { node, reservations } = await createNode(options, timeouts, {
		isAdmitted: async (connection) => (await connections.identified(connection)) !== null,
		isMember: async (connection) => isMember((await connections.identified(connection))?.role),
		mayReserve: (peerId) => isMember(connections.claimsOfPeer(peerId)?.role),
		// The one that asks counts already.
		mayRelay: () => carriedCircuits(node) <= RELAY_LIMITS.circuits,
	})
	const ground = { node, connections, log: options.log, firstFrameMs: timeouts.firstFrame }
	const peer = new MeshPeer(ground, { services: node.services, reservations, retirement }, options, timeouts)
	await peer.serve()
	return { peer, node }
}
