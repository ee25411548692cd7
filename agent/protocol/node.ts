import { z } from 'zod'

export const Resources = z.object({ cpus: z.number(), memoryBytes: z.number(), diskBytes: z.number() })
export type Resources = z.infer<typeof Resources>

export const Labels = z.record(
	z
		.string()
		.regex(
			/^[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?$/i,
			'label names are 1 to 63 letters, digits, dots, dashes and slashes',
		),
	z.string().max(63),
)
export type Labels = z.infer<typeof Labels>

export const EngineStatus = z.object({
	/** false: the engine does not answer; the reason names the remedy */
	ready: z.boolean(),
	reason: z.string().nullable(),
	version: z.string().nullable(),
})
export type EngineStatus = z.infer<typeof EngineStatus>

/** What a node says about itself; only its own agent writes it (soft state, newest by incarnation then sequence). */
export const NodeStatus = z.object({
	peerId: z.string(),
	name: z.string(),
	/** grows with each start of the agent and with each refutation */
	incarnation: z.number().int(),
	sequence: z.number().int(),
	labels: Labels,
	capacity: Resources,
	/** reserved by assignments, running or not */
	allocated: Resources,
	arch: z.string(),
	os: z.string(),
	engine: EngineStatus,
	gateway: z.boolean(),
	/** others can dial this node, so it relays for those that nobody can dial */
	relay: z.boolean().default(false),
	/** host:port of its REST, as it wants to be reached; null when loopback only */
	restUrl: z.string().nullable(),
	/** image references present on the engine (short hashes are not enough to match a tag) */
	images: z.array(z.string()).max(500),
	/** placements that failed here lately, for the scheduler */
	recentFailures: z.number().int(),
	/** replicas by owner and by workload, for spreading */
	workloads: z.array(z.object({ id: z.string(), owner: z.string(), replicas: z.number().int() })),
	version: z.string(),
	/** multiaddrs; of a node that nobody can dial also those through its relays (…/p2p-circuit/…) */
	addresses: z.array(z.string()),
})
export type NodeStatus = z.infer<typeof NodeStatus>

export const Liveness = z.enum(['alive', 'suspect', 'down', 'left'])
export type Liveness = z.infer<typeof Liveness>

/** The connection of an observer with a node. */
export const NodePath = z.object({
	/** peer id of the node that relays; null when the connection is direct */
	through: z.string().nullable(),
	/** milliseconds; null before the first measurement */
	rttMs: z.number().nullable(),
})
export type NodePath = z.infer<typeof NodePath>

/** A node as an observer sees it: its own words, and the observer's judgement. */
export const NodeView = z.object({
	status: NodeStatus,
	liveness: Liveness,
	/** ISO 8601 by the observer's clock */
	lastSeenAt: z.string(),
	/** milliseconds; null before the first probe */
	roundTripMs: z.number().nullable(),
	/** null: no connection; left out where it was not asked for */
	path: NodePath.nullable().optional(),
})
export type NodeView = z.infer<typeof NodeView>

/** The way from a node to another member now, as that node has it. */
export const PeerPath = z.object({
	peerId: z.string(),
	name: z.string(),
	/** name of the node that relays; null when the connection is direct */
	through: z.string().nullable(),
	/** milliseconds; null before the first measurement */
	rttMs: z.number().nullable(),
})
export type PeerPath = z.infer<typeof PeerPath>

/** A node as API callers see it (contract.md). */
export const Node = z.object({
	peerId: z.string(),
	name: z.string(),
	status: Liveness,
	labels: Labels,
	capacity: Resources,
	allocated: Resources,
	arch: z.string(),
	engine: EngineStatus,
	gateway: z.boolean(),
	lastSeenAt: z.string(),
	/** how the console reaches it; null: not at all. An agent leaves it out */
	path: NodePath.nullable().optional(),
})
export type Node = z.infer<typeof Node>

export function nodeOf(view: NodeView): Node {
	const { status, liveness, lastSeenAt, path } = view
	const { peerId, name, labels, capacity, allocated, arch, engine, gateway } = status
	return { peerId, name, status: liveness, labels, capacity, allocated, arch, engine, gateway, lastSeenAt, path }
}

const NAMES = new Intl.Collator('en', { numeric: true })

/** As people look for them: by name, h2 before h10. */
export function nodesOf(views: readonly NodeView[]): Node[] {
	return views.map(nodeOf).sort((a, b) => NAMES.compare(a.name, b.name))
}
