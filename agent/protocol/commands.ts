import { z } from 'zod'
import { WireError } from './errors.ts'
import { WorkloadEvent } from './events.ts'
import { NodeStatus, NodeView, PeerPath } from './node.ts'
import { Placement } from './placement.ts'
import { Measured } from './probe.ts'
import { LIMITS } from './protocols.ts'
import { Resolution, Sample } from './samples.ts'
import {
	CommandId,
	Credentials,
	Endpoint,
	LogLine,
	StatsSample,
	WorkloadId,
	WorkloadName,
	WorkloadReport,
	WorkloadType,
} from './workload.ts'

/** Secret. Its letters say nothing of the account; ngrok alone knows whether it is good. */
export const NgrokAuthToken = z
	.string()
	.trim()
	.regex(/^[A-Za-z0-9_-]{16,128}$/, 'is no ngrok auth token; copy it from dashboard.ngrok.com, Your Authtoken')
export type NgrokAuthToken = z.infer<typeof NgrokAuthToken>

const existing = { commandId: CommandId, workloadId: WorkloadId }

/**
 * A command is what a grant is signed over (its canonical JSON), and what the executing host obeys.
 * Reads are commands too: a member without a grant reads nothing.
 */
export const Command = z.discriminatedUnion('kind', [
	z.object({
		kind: z.literal('deploy'),
		...existing,
		name: WorkloadName,
		type: WorkloadType,
		config: z.unknown(),
		generation: z.number().int().min(1),
		/** the replica indexes that this host shall run */
		replicas: z.array(z.number().int().min(0)).min(1).max(100),
		placement: Placement,
		/** JWT: the (owner, name, command) reservation */
		claim: z.string(),
	}),
	z.object({ kind: z.literal('start'), ...existing }),
	z.object({ kind: z.literal('stop'), ...existing }),
	z.object({ kind: z.literal('restart'), ...existing }),
	/** removes containers, the network when empty, and, with `volumes`, the data */
	z.object({ kind: z.literal('delete'), ...existing, volumes: z.boolean() }),
	/** the replica indexes this host shall run from now on, at a newer generation; an empty list takes all away but keeps volumes */
	z.object({
		kind: z.literal('scale'),
		...existing,
		generation: z.number().int().min(1),
		replicas: z.array(z.number().int().min(0)).max(100),
		placement: Placement,
		/** JWT that gives this host what it has not yet, as for a deployment; null: there is nothing such */
		claim: z.string().nullable(),
	}),
	z.object({ kind: z.literal('list') }),
	/** what this host knows of every node: for a user's device, which may not watch, so that it can place orders itself */
	z.object({ kind: z.literal('nodes') }),
	/** dial this endpoint of the workload from here, and say what was measured */
	z.object({ kind: z.literal('probe'), workloadId: WorkloadId, url: z.string().max(512) }),
	/** with whom this host is connected, and how */
	z.object({ kind: z.literal('peers') }),
	z.object({ kind: z.literal('get'), workloadId: WorkloadId, credentials: z.boolean() }),
	z.object({ kind: z.literal('events'), workloadId: WorkloadId, follow: z.boolean() }),
	z.object({
		kind: z.literal('logs'),
		workloadId: WorkloadId,
		replica: z.number().int().min(0).nullable(),
		tail: z.number().int().min(0).max(LIMITS.logLines),
		follow: z.boolean(),
	}),
	z.object({ kind: z.literal('stats'), workloadId: WorkloadId, follow: z.boolean() }),
	/** over its own protocol: input follows. An empty command is the container's shell; replica null: the first that runs */
	z.object({
		kind: z.literal('exec'),
		workloadId: WorkloadId,
		replica: z.number().int().min(0).nullable(),
		command: z.array(z.string().max(8192)).max(256),
		tty: z.boolean(),
		columns: z.number().int().min(1).max(1000),
		rows: z.number().int().min(1).max(1000),
	}),
	/** what the machine used (no workload), and with `replicas` what those of the subject on it did; or one workload's */
	z.object({
		kind: z.literal('samples'),
		workloadId: WorkloadId.nullable(),
		replicas: z.boolean(),
		resolution: Resolution,
		/** ISO 8601: only what is newer; null: all there is */
		since: z.string().nullable(),
		follow: z.boolean(),
	}),
	/** asked of the console, or of the steward when it is away: reserve (owner, name) for this command, and who runs it */
	z.object({
		kind: z.literal('claim'),
		...existing,
		name: WorkloadName,
		type: WorkloadType,
		config: z.unknown(),
		/** where the asker would put it; null: it finds no room, and asks what another one decided */
		placement: Placement.nullable(),
		/** a grant of the owner for `warrantOf` this order: what a steward signs can be shown to be the owner's wish */
		warrant: z.string().max(4096),
		/** one try of one entry */
		attempt: z.string().min(8).max(64),
		/** the decision that came to nothing, for the next one; `unreachable`: names of hosts that the asker never reached */
		after: z.object({ decision: z.string(), unreachable: z.array(z.string()).max(100) }).nullable(),
	}),
	/** a claim as its giver signed it, for the member that would be asked next: the giver may die */
	z.object({
		kind: z.literal('witness'),
		...existing,
		name: WorkloadName,
		placement: Placement,
		/** JWT */
		claim: z.string(),
	}),
	/** the lattice's auth token for ngrok, for a host that exposes by it; null takes it away. Of two the newer version stands */
	z.object({ kind: z.literal('ngrok'), token: NgrokAuthToken.nullable(), version: z.number().int().min(1) }),
	/** gives a claim back when no host took the order: nothing half-done stays behind */
	z.object({ kind: z.literal('unclaim'), commandId: CommandId, name: WorkloadName, decision: z.string() }),
])
export type Command = z.infer<typeof Command>
export type CommandKind = Command['kind']
export type CommandOf<K extends CommandKind> = Extract<Command, { kind: K }>

/** First frame on a command stream. `credential` is an access token's or device certificate's JWT, never its seed. */
export const CommandRequest = z.object({
	credential: z.string().max(8192),
	grant: z.string().max(4096),
	command: Command,
})
export type CommandRequest = z.infer<typeof CommandRequest>

/** Who runs an order, as decided and signed. */
export const ClaimGiven = z.object({
	/** JWT, bound to the placement */
	token: z.string(),
	workloadId: WorkloadId,
	/** its id: the same for all who got it */
	decision: z.string(),
	generation: z.number().int().min(1),
	placement: Placement,
	/** it is what the asker proposed, in this very try */
	own: z.boolean(),
})
export type ClaimGiven = z.infer<typeof ClaimGiven>

/** The endpoints that one gateway gives a workload; none: it fronts it no longer. Soft state of that gateway alone. */
export const GatewayRoutes = z.object({ workloadId: WorkloadId, endpoints: z.array(Endpoint).max(64) })
export type GatewayRoutes = z.infer<typeof GatewayRoutes>

/** Result by kind: deploy/start/stop/restart/scale/get give `report`, list gives `reports`, nodes gives `nodes`, peers gives `peers`, delete gives neither. */
export const CommandResult = z.object({
	report: WorkloadReport.nullable().default(null),
	reports: z.array(WorkloadReport).nullable().default(null),
	nodes: z.array(NodeView).nullable().default(null),
	peers: z.array(PeerPath).nullable().default(null),
	/** list: what this host as a gateway gives to workloads of the subject, also to those that run elsewhere */
	routes: z.array(GatewayRoutes).nullable().default(null),
	/** probe */
	measured: Measured.nullable().default(null),
	credentials: Credentials.nullable().default(null),
	/** claim, witness: the decision that stands */
	claim: ClaimGiven.nullable().default(null),
})
export type CommandResult = z.infer<typeof CommandResult>

/** Frames that answer a command: any number of the middle kinds, then exactly one `result` or `error`. */
export const CommandFrame = z.discriminatedUnion('type', [
	z.object({ type: z.literal('event'), event: WorkloadEvent }),
	z.object({ type: z.literal('logs'), lines: z.array(LogLine) }),
	z.object({ type: z.literal('stats'), samples: z.array(StatsSample) }),
	z.object({ type: z.literal('samples'), samples: z.array(Sample) }),
	z.object({ type: z.literal('result'), result: CommandResult }),
	z.object({ type: z.literal('error'), error: WireError }),
])
export type CommandFrame = z.infer<typeof CommandFrame>

/** Frames of `watch`: a snapshot (node, reports, routes, removed), `synced`, then each change as it happens. */
export const WatchFrame = z.discriminatedUnion('type', [
	z.object({ type: z.literal('node'), node: NodeStatus }),
	z.object({ type: z.literal('report'), report: WorkloadReport }),
	/** from a gateway */
	GatewayRoutes.extend({ type: z.literal('routes') }),
	/** a tombstone: this host deleted the workload at that time */
	z.object({ type: z.literal('removed'), workloadId: WorkloadId, at: z.string() }),
	z.object({ type: z.literal('event'), event: WorkloadEvent }),
	z.object({ type: z.literal('synced') }),
])
export type WatchFrame = z.infer<typeof WatchFrame>
