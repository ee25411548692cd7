import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { GossipSub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import type { Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { LatticeError, LIMITS } from '../protocol/index.ts'
import { circuitTransport, Reservations, relayServer } from './circuits.ts'
import { corkedTcp } from './corked-tcp.ts'
import { endingNoise } from './ending-noise.ts'
import { gossipService } from './gossip.ts'
import { guarded } from './guarded-service.ts'
import type { Connection } from './libp2p-types.ts'
import { announceable } from './own-addresses.ts'
import type { MeshTimeouts, PeerOptions } from './peer.ts'
import { sparingYamux } from './sparing-yamux.ts'

/** yamux measures the way, by which windows grow, when a connection is made and then this often; it ends nothing. */
const ROUND_TRIP_MS = 5 * 60_000

/** What the services of libp2p know that its public face does not say. */
export interface NodeServices extends Record<string, unknown> {
	transports: Transports
	identify: { identify(connection: Connection): Promise<unknown> }
	pubsub: GossipSub
}

/** The part of libp2p that its public face hides. */
export interface Transports {
	/** every address listened on, public ones too: `getMultiaddrs` hides those until AutoNAT has confirmed them */
	addresses(): string[]
	/** A new connection, also where there is one, and beside whatever `node.dial` does: that one joins dials of a peer. */
	dial(address: Multiaddr, signal: AbortSignal): Promise<Connection>
}

/** Where an admission is under way its end is waited for: the other side may be done with it before this one. */
export interface Checks {
	isAdmitted: (connection: Connection) => Promise<boolean>
	/** admitted, and a node of the lattice rather than a user's device */
	isMember: (connection: Connection) => Promise<boolean>
	/** a place at this relay */
	mayReserve: (peerId: string) => boolean
	/** one more circuit through it */
	mayRelay: () => boolean
}

/** TCP and circuits, Noise, yamux. Each service and the relays are `guarded`: a stranger speaks none of their protocols. */
export async function createNode(
	options: Pick<PeerOptions, 'key' | 'listen' | 'announce' | 'relay'>,
	timeouts: MeshTimeouts,
	{ isAdmitted, isMember, mayReserve, mayRelay }: Checks,
): Promise<{ node: Libp2p<NodeServices>; reservations: Reservations }> {
	const reservations = Promise.withResolvers<Reservations>()
	const seed = Buffer.from(options.key.seed, 'base64url')
	const node = await createLibp2p<NodeServices>({
		start: false,
		privateKey: await generateKeyPairFromSeed('Ed25519', seed),
		nodeInfo: { name: 'lattice', version: '1', userAgent: 'lattice/1' },
		addresses: {
			listen: options.listen,
			appendAnnounce: options.announce ?? [],
			// What identify tells others, and a relay those with a place.
			announceFilter: (addresses) => {
				const useful = new Set(announceable(addresses.map(String)))
				return addresses.filter((address) => useful.has(address.toString()))
			},
		},
		transports: [
			corkedTcp(),
			(components) => {
				const transport = guarded(circuitTransport(), isMember)(components)
				reservations.resolve(new Reservations(transport))
				return transport
			},
		],
		connectionGater: {
			denyInboundRelayReservation: (source) => !mayReserve(source.toString()),
			denyOutboundRelayedConnection: () => !mayRelay(),
		},
		connectionEncrypters: [endingNoise()],
		streamMuxers: [
			sparingYamux({
				keepAliveInterval: ROUND_TRIP_MS,
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
			transports: ({ transportManager }) => ({
				addresses: () => transportManager.getAddrs().map(String),
				dial: (address, signal) => transportManager.dial(address, { signal }),
			}),
			...(options.relay ? { relay: guarded(relayServer(), isAdmitted) } : {}),
		},
	})
	return { node, reservations: await reservations.promise }
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
