import type { Libp2p } from 'libp2p'
import type { MembershipClaims } from '../identity/index.ts'
import { LatticeError, LIMITS } from '../protocol/index.ts'
import type { Connections } from './connections.ts'
import { JsonStream } from './json-stream.ts'
import type { Connection, Stream } from './libp2p-types.ts'
import type { MeshLog } from './peer.ts'

/** anyone: a stranger too. peers: whoever was admitted. members: nodes of the lattice, not users' devices. */
export type Audience = 'anyone' | 'peers' | 'members'

export interface Caller {
	connection: Connection
	peerId: string
	/** null only where the audience is `anyone` */
	claims: MembershipClaims | null
}

/** The modules that every protocol of this room stands on. */
export interface Ground {
	node: Libp2p
	connections: Connections
	log: MeshLog
	/** milliseconds in which the first frame of a stream must be there: a silent one holds nothing for long */
	firstFrameMs: number
}

/** Frames of JSON, in the one way that a stream reaches a protocol: who may not speak it is reset before a byte is read. */
export function serve(
	ground: Ground,
	protocol: string,
	audience: Audience,
	handler: (stream: JsonStream, caller: Caller) => Promise<void>,
): Promise<void> {
	return serveStreams(ground, protocol, audience, (stream) => {
		const json = new JsonStream(stream)
		return (caller) => handler(json, caller)
	})
}

/** `take` is called as the stream opens, before anything is awaited; what it gives once the caller is known to be allowed. */
export async function serveStreams(
	{ node, connections, log }: Ground,
	protocol: string,
	audience: Audience,
	take: (stream: Stream) => (caller: Caller) => Promise<void>,
): Promise<void> {
	await node.handle(
		protocol,
		async (stream, connection) => {
			const handler = take(stream)
			try {
				const claims = await admittedClaims(connections, connection, audience)
				await handler({ connection, peerId: connection.remotePeer.toString(), claims })
			} catch (thrown) {
				const error = LatticeError.from(thrown)
				const facts = { peer: connection.remotePeer.toString(), protocol, code: error.code, err: thrown }
				log.debug(facts, 'stream reset')
				stream.abort(error)
			}
		},
		{
			maxInboundStreams: LIMITS.streamsPerProtocol,
			maxOutboundStreams: LIMITS.streamsPerProtocol,
			runOnLimitedConnection: true,
		},
	)
}

async function admittedClaims(
	connections: Connections,
	connection: Connection,
	audience: Audience,
): Promise<MembershipClaims | null> {
	if (audience === 'anyone') return connections.claimsOf(connection)
	const claims = await connections.identified(connection)
	if (claims === null) throw new LatticeError('UNAUTHENTICATED', 'Show a certificate first.')
	if (audience === 'members' && claims.role === 'device') throw new LatticeError('FORBIDDEN', 'This is for nodes only.')
	return claims
}
