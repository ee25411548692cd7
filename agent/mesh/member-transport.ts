import type { GossipMessage, ProbeMessage, SnapshotMessage } from '../protocol/index.ts'

export type MemberMessage = ProbeMessage | SnapshotMessage | GossipMessage

/** Gossip passes on what is accepted; a rejected message counts against the peer that brought it. */
export type Verdict = 'accept' | 'ignore' | 'reject'

/** `from` is authenticated: the peer at the other end, or the author of a gossip message. Never a user's device. */
export type Receive = (from: string, message: MemberMessage) => Promise<Verdict>

/** How members talk about each other: probes, snapshots and the topic of the lattice. agent/membership decides what is said. */
export interface MemberTransport {
	/** From then on messages come in; returns how to end it. */
	open(latticeId: string, receive: Receive): () => void
	/** HOST_UNREACHABLE when it cannot be handed over, with `facts.refused` when nobody listens there. */
	send(to: { peerId: string; addresses: string[] }, message: ProbeMessage | SnapshotMessage): Promise<void>
	publish(latticeId: string, message: GossipMessage): Promise<void>
	/** Drops the connections with a peer that is given up, without waiting for its consent. */
	cutOff(peerId: string): void
}
