import type { GossipMessage, ProbeMessage, SnapshotMessage } from '../protocol/index.ts'
import type { Ground } from './door.ts'
import type { Gossip } from './gossip.ts'
import type { MemberTransport, Receive } from './member-transport.ts'
import { Probes } from './protocol-probe.ts'
import { Snapshots } from './protocol-snapshot.ts'
import type { Reach } from './reach.ts'

/** The three ways in which members talk about each other, as one transport. */
export class MemberProtocols implements MemberTransport {
	readonly #ground: Ground
	readonly #gossip: Gossip
	readonly #probes: Probes
	readonly #snapshots: Snapshots

	constructor(ground: Ground, reach: Reach, gossip: Gossip) {
		this.#ground = ground
		this.#gossip = gossip
		this.#probes = new Probes(ground, reach)
		this.#snapshots = new Snapshots(ground, reach)
	}

	async serve(): Promise<void> {
		await this.#probes.serve()
		await this.#snapshots.serve()
	}

	open(latticeId: string, receive: Receive): () => void {
		this.#probes.receive = receive
		this.#snapshots.receive = receive
		const close = this.#gossip.open(latticeId, receive)
		return () => {
			this.#probes.receive = null
			this.#snapshots.receive = null
			close()
		}
	}

	send(to: { peerId: string; addresses: string[] }, message: ProbeMessage | SnapshotMessage): Promise<void> {
		if (message.kind === 'sync' || message.kind === 'records') return this.#snapshots.send(to, message)
		return this.#probes.send(to, message)
	}

	publish(latticeId: string, message: GossipMessage): Promise<void> {
		return this.#gossip.publish(latticeId, message)
	}

	cutOff(peerId: string): void {
		for (const connection of this.#ground.node.getConnections()) {
			if (connection.remotePeer.toString() === peerId) connection.abort(new Error('the member does not answer'))
		}
	}
}
