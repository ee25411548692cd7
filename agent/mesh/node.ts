import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { GossipSub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'

import { createLibp2p, type Libp2p } from 'libp2p'
import { LatticeError, LIMITS } from '../protocol/index.ts'
import { corkedTcp } from './corked-tcp.ts'
import { gossipService } from './gossip.ts'
import { guarded } from './guarded-service.ts'
import type { Connection } from './libp2p-types.ts'
import type { MeshTimeouts, PeerOptions } from './peer.ts'

/** What the services of libp2p know that its public face does not say. */
export interface NodeServices extends Record<string, unknown> {
	/** every address listened on, public ones too: `getMultiaddrs` hides those until AutoNAT has confirmed them */
	listening: { addresses(): string[] }
	identify: { identify(connection: Connection): Promise<unknown> }
	pubsub: GossipSub
}

/** Where an admission is under way its end is waited for: the other side may be done with it before this one. */
export interface Checks {
	isAdmitted: (connection: Connection) => Promise<boolean>
	/** admitted, and a node of the lattice rather than a user's device */
	isMember: (connection: Connection) => Promise<boolean>
}

/**
 * TCP, Noise, yamux. Circuit relay joins as a further service (and transport) here, each `guarded`, so that
 * a stranger speaks none of their protocols.
 */
export async function createNode(
	options: Pick<PeerOptions, 'key' | 'listen' | 'announce'>,
	timeouts: MeshTimeouts,
	{ isAdmitted, isMember }: Checks,
): Promise<Libp2p<NodeServices>> {
	const seed = Buffer.from(options.key.seed, 'base64url')
	return createLibp2p<NodeServices>({
		start: false,
		privateKey: await generateKeyPairFromSeed('Ed25519', seed),
		nodeInfo: { name: 'lattice', version: '1', userAgent: 'lattice/1' },
		addresses: { listen: options.listen, appendAnnounce: options.announce ?? [] },
		transports: [corkedTcp()],
		connectionEncrypters: [noise()],
		streamMuxers: [
			yamux({
				maxInboundStreams: 4 * LIMITS.streamsPerProtocol,
				maxOutboundStreams: 4 * LIMITS.streamsPerProtocol,
				// 152–205 → 319 MB/s against the default (docs: measurements); also the bound of what a slow reader holds.
				streamOptions: { maxStreamWindowSize: 1024 * 1024 },
			}),
		],
		connectionManager: {
			maxConnections: 1024,
			// 5 a second and 10 pending are the defaults: nodes behind one address that all rejoin would be refused.
			inboundConnectionThreshold: 100,
			maxIncomingPendingConnections: 256,
			dialTimeout: timeouts.reach,
			addressDialTimeout: timeouts.address,
			inboundUpgradeTimeout: timeouts.admission,
		},
		// A peer that is dead without having said so is noticed, and its streams end, within `ping` and 5 s.
		connectionMonitor: { pingInterval: timeouts.ping, pingTimeout: { minTimeout: 3_000, maxTimeout: 5_000 } },
		services: {
			ping: guarded(ping({ runOnLimitedConnection: true }), isAdmitted),
			// After admission, by this room: a stranger is told nothing.
			identify: guarded(identify({ runOnConnectionOpen: false, runOnLimitedConnection: true }), isAdmitted),
			pubsub: guarded(gossipService(), isMember),
			listening: (components) => ({
				addresses: () => components.transportManager.getAddrs().map((address) => address.toString()),
			}),
		},
	})
}

/** Listens, or says which address cannot be had. */
export async function startNode(node: Libp2p, listen: string[]): Promise<void> {
	try {
		await node.start()
	} catch (cause) {
		const reason = cause instanceof Error ? cause.message : String(cause)
		// Its parts that did start must not keep the process alive.
		await node.stop()
		const taken = listen.find((address) => reason.includes(`${address}: `)) ?? listen.join(', ')
		throw reason.includes('EADDRINUSE')
			? new LatticeError(
					'PORT_TAKEN',
					`Another program holds ${taken}; choose another --mesh-port.`,
					{ taken },
					{ cause },
				)
			: new LatticeError(
					'INVALID_INPUT',
					`The mesh cannot listen on ${taken}; check --mesh-listen.`,
					{ taken },
					{ cause },
				)
	}
}
