import { z } from 'zod'
import { WireError } from './errors.ts'
import { Placement } from './placement.ts'

/** RFC 1123 label of at most 40 characters: it becomes part of host names and container names. */
export const WorkloadName = z
	.string()
	.regex(
		/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/,
		'use 1 to 40 lower-case letters, digits and dashes, starting with a letter',
	)
export type WorkloadName = z.infer<typeof WorkloadName>

export const WorkloadId = z.string().regex(/^w_[0-9a-z]{20}$/, 'is not a workload id (w_ and 20 characters)')
export type WorkloadId = z.infer<typeof WorkloadId>

/** Chosen by the caller so that a retry is the same order; see `newCommandId`. */
export const CommandId = z
	.string()
	.regex(/^[A-Za-z0-9_-]{8,64}$/, 'use 8 to 64 letters, digits, dashes and underscores')
export type CommandId = z.infer<typeof CommandId>

/** The key of a template: `custom`, `postgres`, `minio` … The catalogue in agent/templates says which exist. */
export const WorkloadType = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/)
export type WorkloadType = z.infer<typeof WorkloadType>

export const WORKLOAD_STATUSES = [
	'pending',
	'pulling',
	'creating',
	'starting',
	'running',
	'unhealthy',
	'stopping',
	'stopped',
	'failed',
	'deleting',
	'unknown',
] as const
export const WorkloadStatus = z.enum(WORKLOAD_STATUSES)
export type WorkloadStatus = z.infer<typeof WorkloadStatus>

/** Of several replicas or hosts the status that a person should hear of first: a failure before progress before health. */
export const URGENCY: readonly WorkloadStatus[] = [
	'failed',
	'unhealthy',
	'unknown',
	'deleting',
	'stopping',
	'pulling',
	'creating',
	'starting',
	'pending',
	'stopped',
	'running',
]

export const EndpointKind = z.enum(['host', 'lan', 'mesh', 'gateway', 'ngrok'])
export type EndpointKind = z.infer<typeof EndpointKind>

/**
 * How the bytes of a connection travel to the host. `local`: on the host itself; `direct`: one mutual-TLS connection;
 * `ready`: one that the host had dialled and kept ready; `mesh`: a libp2p stream; `relayed`: the same, through `through`.
 */
export const PathKind = z.enum(['local', 'direct', 'ready', 'mesh', 'relayed'])
export type PathKind = z.infer<typeof PathKind>

export const EndpointPath = z.object({
	kind: PathKind,
	/** name of the node that relays, else null */
	through: z.string().nullable(),
	/** milliseconds to the host, null when not measured */
	rttMs: z.number().nullable(),
})
export type EndpointPath = z.infer<typeof EndpointPath>

/** `url` is `http(s)://h:p` or `tcp://h:p`; `container` the port inside, `replica` the one it leads to (null: all). */
export const Endpoint = z.object({
	kind: EndpointKind,
	protocol: z.enum(['http', 'tcp', 'postgres-tls']),
	url: z.string(),
	container: z.number().int(),
	replica: z.number().int().nullable(),
	/** a domain that the workload's owner chose */
	custom: z.boolean().optional(),
	/** a gateway on loopback of the machine that runs the workload itself: it reaches no farther than the host's own port */
	local: z.boolean().optional(),
	/** the gateway that serves it */
	via: z.object({ peerId: z.string(), name: z.string() }).optional(),
	/** false: it was looked up and dialled, and does not answer; the reason names the remedy */
	reachable: z.boolean().optional(),
	reason: z.string().optional(),
	/** why its gateway serves it in plain although it orders certificates */
	warning: z.string().optional(),
	/** from the gateway to the host, as its last connection went */
	path: EndpointPath.optional(),
})
export type Endpoint = z.infer<typeof Endpoint>

/** What a host says of one replica it runs. Times are ISO 8601 by that host's clock. */
export const ReplicaReport = z.object({
	index: z.number().int().min(0),
	status: WorkloadStatus,
	statusReason: z.string().nullable(),
	error: WireError.nullable(),
	containerId: z.string().nullable(),
	startedAt: z.string().nullable(),
	exitCode: z.number().int().nullable(),
	restarts: z.number().int(),
	endpoints: z.array(Endpoint),
})
export type ReplicaReport = z.infer<typeof ReplicaReport>

/** The host's truth on a workload that it holds: what was ordered, and how each replica stands. No credentials. */
export const WorkloadReport = z.object({
	id: WorkloadId,
	name: WorkloadName,
	type: WorkloadType,
	/** user id of the owner */
	owner: z.string(),
	/** the deploy command that made it */
	commandId: CommandId,
	/** the claim on (owner, name): a JWT */
	claim: z.string(),
	generation: z.number().int().min(1),
	desired: z.enum(['running', 'stopped']),
	/** the config as ordered, validated by its template; env values of the tenant are inside, so reports go to members over Noise only */
	config: z.unknown(),
	placement: Placement,
	/** the peer that reports */
	node: z.object({ peerId: z.string(), name: z.string() }),
	status: WorkloadStatus,
	statusReason: z.string().nullable(),
	error: WireError.nullable(),
	replicas: z.array(ReplicaReport),
	createdAt: z.string(),
	updatedAt: z.string(),
	/** rises with every change on this host: receivers keep the newest */
	revision: z.number().int(),
})
export type WorkloadReport = z.infer<typeof WorkloadReport>

/** Template-specific names: `{username, password, database, connectionString}`, `{accessKey, secretKey, endpoint}` … */
export const Credentials = z.record(z.string(), z.string())
export type Credentials = z.infer<typeof Credentials>

/** One replica as API callers see it: where it is and how it stands. */
export const Instance = z.object({
	replica: z.number().int(),
	node: z.object({ peerId: z.string(), name: z.string() }).nullable(),
	status: WorkloadStatus,
	statusReason: z.string().nullable(),
})
export type Instance = z.infer<typeof Instance>

/** A workload as API callers see it (contract.md). */
export const Workload = z.object({
	id: WorkloadId,
	name: WorkloadName,
	type: WorkloadType,
	status: WorkloadStatus,
	statusReason: z.string().nullable(),
	generation: z.number().int(),
	node: z.object({ peerId: z.string(), name: z.string() }).nullable(),
	replicas: z.number().int(),
	/** each replica that a host has, by its index */
	instances: z.array(Instance).optional(),
	publicUrl: z.string().nullable(),
	endpoints: z.array(Endpoint),
	createdAt: z.string(),
	updatedAt: z.string(),
	/** on get and deploy only; null while the host has not made or delivered them */
	credentials: Credentials.nullable().optional(),
	/** the failure in its typed form when status is `failed` or `unhealthy` */
	error: WireError.nullable().optional(),
})
export type Workload = z.infer<typeof Workload>

export const LogLine = z.object({
	/** ISO 8601 with nanoseconds as Docker gives it */
	at: z.string(),
	stream: z.enum(['stdout', 'stderr']),
	text: z.string(),
	replica: z.number().int(),
})
export type LogLine = z.infer<typeof LogLine>

/** One sample of one replica. Bytes are bytes; `cpu` is cores (1.5 = one and a half). */
export const StatsSample = z.object({
	replica: z.number().int(),
	at: z.string(),
	cpu: z.number(),
	memoryBytes: z.number(),
	memoryLimitBytes: z.number(),
	networkRxBytes: z.number(),
	networkTxBytes: z.number(),
	pids: z.number(),
	/** null: this engine does not count them */
	diskReadBytes: z.number().nullable().default(null),
	diskWrittenBytes: z.number().nullable().default(null),
})
export type StatsSample = z.infer<typeof StatsSample>
