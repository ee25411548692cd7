import type {
	Doubt,
	GossipMessage,
	Liveness,
	NodeStatus,
	ProbeMessage,
	Signed,
	SnapshotMessage,
	Statement,
	StatusRecord,
	Version,
} from '../protocol/index.ts'

/** What members pass on: about the speaker's own life, or a doubt about another's. */
export interface Rumour {
	statement: Exclude<Statement, { kind: 'answer' }>
	/** the author for alive and left, the doubted one for suspect */
	subject: string
	signed: Signed
}

/** A status whose author was proven. */
export interface StatusEntry {
	status: NodeStatus
	record: StatusRecord
}

/** Messages after the door (door.ts): decoded, signatures checked, authors known to be members. */
export type Incoming =
	| {
			kind: 'probe'
			id: number
			suspected?: number | undefined
			asker?: { peerId: string; probe: number } | undefined
			rumours: Rumour[]
	  }
	| {
			kind: 'ack'
			id: number
			incarnation: number
			version: Version
			suspected?: number | undefined
			/** for the member on whose behalf we asked; only that member can judge it */
			answer?: Signed | undefined
			rumours: Rumour[]
	  }
	| { kind: 'probe-for'; id: number; target: string }
	| { kind: 'ack-for'; id: number; target: string; incarnation: number }
	| { kind: 'nack-for'; id: number; target: string }
	| { kind: 'sync'; scope: 'all' | 'listed'; versions: Record<string, Version>; doubted: Doubt[] }
	| { kind: 'records'; entries: StatusEntry[]; rumours: Rumour[]; doubted: Doubt[]; wanted: string[] }
	| { kind: 'status'; entry: StatusEntry }
	| { kind: 'rumour'; rumour: Rumour }

/** What happens to a member. `from` is authenticated: by Noise, or as the author of a gossip message. */
export type MembershipEvent =
	/** due at `wakeAt`; harmless at any other time */
	| { kind: 'tick' }
	| { kind: 'message'; from: string; message: Incoming }
	/** admitted, first connection */
	| { kind: 'connected'; peerId: string }
	/** the last connection of that peer is gone */
	| { kind: 'connectionLost'; peerId: string }
	/** the probe could not be handed over; `refused`: the other kernel says that nobody listens there */
	| { kind: 'probeFailed'; id: number; refused: boolean }
	/** this node's own status has changed */
	| { kind: 'announce'; entry: StatusEntry }
	/** `to`: the connected, who are told without waiting for gossip to find its way */
	| { kind: 'leave'; to: readonly string[] }
	/** removed or revoked */
	| { kind: 'forget'; peerId: string }

/** What the adapter shall do. */
export type Effect =
	/** over the probe or the snapshot protocol, dialling if need be; a probe that cannot be handed over is reported */
	| { kind: 'send'; to: string; message: ProbeMessage | SnapshotMessage }
	/** on the topic */
	| { kind: 'publish'; message: GossipMessage }
	| { kind: 'liveness'; peerId: string; liveness: Liveness; before: Liveness | null; why: string }
	| { kind: 'status'; entry: StatusEntry }
	/** a member's round trip changed by a quarter or more */
	| { kind: 'roundTrip'; peerId: string; milliseconds: number }
	| { kind: 'forgotten'; peerId: string }
	/** this node's incarnation rose: keep it, so that the next start begins above it */
	| { kind: 'incarnation'; incarnation: number }
