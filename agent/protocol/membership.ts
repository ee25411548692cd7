import { z } from 'zod'
import { LIMITS } from './protocols.ts'

/**
 * Membership: who is in the lattice and who answers. Frames of the probe and snapshot protocols, and messages of the
 * gossip topic. Field names stay, but what is absent costs nothing: an idle probe is about 40 bytes of JSON.
 */
const PeerId = z.string().min(40).max(64)
const Incarnation = z.number().int().min(0)
/** (incarnation, sequence) of a status: which of two is newer, whatever any clock says. */
export const Version = z.tuple([Incarnation, z.number().int().min(0)])
export type Version = z.infer<typeof Version>
/** Random, so that nobody can answer a probe that it has not seen. */
const ProbeId = z.number().int().min(0)

/**
 * Words that keep their author when others pass them on: Ed25519 over the lattice id and the body, with the key that is
 * the author's peer id. The body stays text, so that a newer version's fields survive an older relay.
 */
export const Signed = z.object({
	by: PeerId,
	body: z.string().max(LIMITS.recordBytes),
	/** base64url of 64 bytes */
	signature: z.string().length(86),
})
export type Signed = z.infer<typeof Signed>

/** What a member may say. Of its own life it alone speaks; of others it says only that it cannot reach them. */
export const Statement = z.discriminatedUnion('kind', [
	/** refutes every doubt about an earlier incarnation of the speaker */
	z.object({ kind: z.literal('alive'), incarnation: Incarnation }),
	/** the speaker leaves the lattice for good, or until a later incarnation */
	z.object({ kind: z.literal('left'), incarnation: Incarnation }),
	/** the speaker cannot reach `subject`: a reason to look, never a verdict */
	z.object({ kind: z.literal('suspect'), subject: PeerId, incarnation: Incarnation }),
	/** the speaker answers a probe that a helper carried: the helper cannot make it up */
	z.object({ kind: z.literal('answer'), asker: PeerId, probe: ProbeId, incarnation: Incarnation }),
])
export type Statement = z.infer<typeof Statement>

/** A NodeStatus (the body) signed by its author, with the certificate that makes the author a member. */
export const StatusRecord = z.object({ certificate: z.string().max(8192), signed: Signed })
export type StatusRecord = z.infer<typeof StatusRecord>

const Rumours = z.array(Signed).max(8).optional()
/** The incarnation at which the sender holds the receiver suspect or down: it may refute. */
const Suspected = Incarnation.optional()

/** A member that the sender holds suspect or down, at this incarnation. */
export const Doubt = z.object({ peerId: PeerId, incarnation: Incarnation })
export type Doubt = z.infer<typeof Doubt>

export const ProbeMessage = z.discriminatedUnion('kind', [
	z.object({
		kind: z.literal('probe'),
		id: ProbeId,
		suspected: Suspected,
		/** the probe of another member that the sender carries: the answer is signed for it */
		asker: z.object({ peerId: PeerId, probe: ProbeId }).optional(),
		rumours: Rumours,
	}),
	z.object({
		kind: z.literal('ack'),
		id: ProbeId,
		incarnation: Incarnation,
		/** of the sender's newest status: whoever missed it asks */
		version: Version,
		suspected: Suspected,
		answer: Signed.optional(),
		rumours: Rumours,
	}),
	z.object({ kind: z.literal('probe-for'), id: ProbeId, target: PeerId }),
	z.object({ kind: z.literal('ack-for'), id: ProbeId, target: PeerId, answer: Signed }),
	z.object({ kind: z.literal('nack-for'), id: ProbeId, target: PeerId }),
])
export type ProbeMessage = z.infer<typeof ProbeMessage>

export const SnapshotMessage = z.discriminatedUnion('kind', [
	/** "this is what I have": the answer is what is newer, and what the other side wants in turn */
	z.object({
		kind: z.literal('sync'),
		/** all: of every member; listed: of those in `versions` only */
		scope: z.enum(['all', 'listed']),
		versions: z.record(PeerId, Version),
		doubted: z.array(Doubt).max(LIMITS.members),
	}),
	z.object({
		kind: z.literal('records'),
		records: z.array(StatusRecord).max(LIMITS.members),
		/** of those that left */
		rumours: z.array(Signed).max(LIMITS.members),
		doubted: z.array(Doubt).max(LIMITS.members),
		/** members of whom the asker has something newer */
		wanted: z.array(PeerId).max(LIMITS.members),
	}),
])
export type SnapshotMessage = z.infer<typeof SnapshotMessage>

/** What travels on the topic, when something has changed; that nothing has, the answers to probes say (`version`). */
export const GossipMessage = z.discriminatedUnion('kind', [
	z.object({ kind: z.literal('status'), record: StatusRecord }),
	z.object({ kind: z.literal('rumour'), signed: Signed }),
])
export type GossipMessage = z.infer<typeof GossipMessage>
