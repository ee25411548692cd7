import type {
	Credentials,
	ExecInput,
	ExecOutput,
	Labels,
	LogLine,
	Node,
	NodeUsage,
	NodeView,
	PeerPath,
	Placement,
	Probed,
	Sample,
	SampleMetric,
	StatsSample,
	Workload,
	WorkloadEvent,
	WorkloadStatus,
} from '../../agent/protocol/index.ts'
import type { Alert, Thresholds } from './thresholds.ts'

/**
 * What routes and tRPC may call: the console's use cases. Types only, so that the Vite bundle never loads Prisma or
 * libp2p a second time; `server.ts` builds the one implementation and hands it over by getLoadContext.
 * Every method throws LatticeError. `Actor` is who asks; roles are checked inside.
 */
export interface Actor {
	userId: string
	email: string
	role: 'owner' | 'admin' | 'member'
	/** for the audit line: 'web', 'api' or 'cli', and the client's address */
	via: 'web' | 'api' | 'cli'
	address: string
}

export interface UserView {
	id: string
	email: string
	role: Actor['role']
}

export interface TokenSet {
	/** access JWT ~ seed */
	token: string
	refreshToken: string
	user: UserView
}

export interface Accounts {
	register(input: unknown, client: { address: string }): Promise<TokenSet>
	login(input: unknown, client: { address: string }): Promise<TokenSet>
	refresh(input: unknown, client: { address: string }): Promise<TokenSet>
	/** web sessions: the same checks and limits without tokens */
	registerForWeb(input: unknown, client: { address: string }): Promise<{ sessionId: string; user: UserView }>
	loginForWeb(input: unknown, client: { address: string }): Promise<{ sessionId: string; user: UserView }>
	logoutWeb(sessionId: string): Promise<void>
	/** null when the session is unknown, revoked or expired */
	actorOfSession(sessionId: string, client: { address: string }): Promise<Actor | null>
	actorOfBearer(bearer: string, client: { address: string; via: 'api' | 'cli' }): Promise<Actor>
	device(
		actor: Actor,
		input: unknown,
	): Promise<{
		certificate: string
		members: { peerId: string; name: string; addresses: string[] }[]
		latticeId: string
		rootPublicKey: string
		issuers: string[]
	}>
	/** true while nobody has registered: the first user owns the lattice */
	isFresh(): Promise<boolean>
}

export interface WorkloadQuery {
	status?: string
	search?: string
}

export interface WorkloadPageQuery {
	/** only these; of all when it is empty */
	statuses: readonly WorkloadStatus[]
	/** every word must be in the name, the type, the node or the id */
	search: string
	/** from 1 on; beyond the last it is the last */
	page: number
}

export type StatusCounts = Partial<Record<WorkloadStatus, number>>

/** What the overview shows of many workloads. */
export interface WorkloadPage {
	/** by name. All of them, whatever was asked, when there are no more than a page holds (`total` is their number) */
	rows: Workload[]
	page: number
	pages: number
	/** of those that the search finds */
	counts: StatusCounts
	/** of all that the actor may see */
	totals: StatusCounts
	total: number
	/** of all that the actor may see, those on each node, by its peer id */
	onNodes: Record<string, StatusCounts>
	/** those that need a person, worst first, at most 20 */
	attention: Workload[]
}

/** One step of the page's timeline, newest state of each phase, with durations computed by the page. */
export interface WorkloadDetail {
	workload: Workload
	/** validated config as ordered; secret env values are masked unless the actor owns it */
	config: unknown
	events: WorkloadEvent[]
	placement: Placement | null
	owner: UserView
}

export interface Workloads {
	list(actor: Actor, query?: WorkloadQuery): Promise<Workload[]>
	page(actor: Actor, query: WorkloadPageQuery): Promise<WorkloadPage>
	/** with credentials */
	get(actor: Actor, input: unknown): Promise<Workload>
	detail(actor: Actor, input: unknown): Promise<WorkloadDetail>
	/** at once: the record exists, the rest shows in status. `{name, type, config, commandId?}` */
	deploy(actor: Actor, input: unknown): Promise<Workload>
	/** candidates for a draft: nothing is changed. `{type, config}` */
	dryRun(actor: Actor, input: unknown): Promise<Placement>
	start(actor: Actor, input: unknown): Promise<Workload>
	stop(actor: Actor, input: unknown): Promise<Workload>
	restart(actor: Actor, input: unknown): Promise<Workload>
	/** `{id, whenBack?}`; the answer has status `deleting` until the host has removed it */
	delete(actor: Actor, input: unknown): Promise<Workload>
	scale(actor: Actor, input: unknown): Promise<Workload>
	/** another node dials the endpoint and says what it measured: `{id, url}` */
	probe(actor: Actor, input: unknown): Promise<Probed>
	logs(actor: Actor, input: unknown): Promise<{ lines: LogLine[] }>
	/** batches of all that the hosts keep; those of several replicas come as they are read. `{id}` */
	allLogs(actor: Actor, input: unknown, signal: AbortSignal): AsyncIterable<LogLine[]>
	/** batches; history of `lines` first; ends with the container or the signal. `{id, lines}` */
	followLogs(actor: Actor, input: unknown, signal: AbortSignal): AsyncIterable<LogLine[]>
	stats(actor: Actor, input: unknown, signal: AbortSignal): AsyncIterable<StatsSample[]>
	explain(
		actor: Actor,
		input: unknown,
	): Promise<{ chosen: Placement['chosen']; candidates: Placement['candidates']; rejected: Placement['rejected'] }>
	/** history then live events of one workload, until the signal. `{id}` */
	followEvents(actor: Actor, input: unknown, signal: AbortSignal): AsyncIterable<WorkloadEvent>
}

export interface NodeDetail {
	node: Node
	view: NodeView
	/** how it reaches the others, by its own word; null when it cannot be asked */
	paths: PeerPath[] | null
	workloads: Workload[]
	leaving: Leaving
}

/** What becomes of what a machine holds, if it leaves. */
export interface Leaving {
	workloads: {
		id: string
		name: string
		/** replicas here, and those that other machines have */
		here: number
		elsewhere: number
		/** its data that exists on this machine only: names of volumes */
		volumes: string[]
	}[]
	/** workloads of other people, whose names the actor may not see */
	hidden: number
}

export interface NodePageQuery {
	/** every word must be in the name, a label, an address or the peer id */
	search: string
	/** from 1 on; beyond the last it is the last */
	page: number
}

export interface NodePage {
	/** by name */
	rows: Node[]
	page: number
	pages: number
	/** how many the search finds */
	found: number
	/** of all machines */
	total: number
	alive: number
	/** of rows that the search finds by an address: that address, by peer id */
	foundAt: Record<string, string>
}

export interface Nodes {
	list(actor: Actor): Promise<Node[]>
	page(actor: Actor, query: NodePageQuery): Promise<NodePage>
	get(actor: Actor, input: unknown): Promise<NodeDetail>
	/** owner and admin only: revokes its certificate; what it runs is lost to the lattice. `{peerId}` */
	remove(actor: Actor, input: unknown): Promise<void>
	/** owner and admin only. `{ttlSeconds, uses, labels}` → one pasted line */
	invite(actor: Actor, input: unknown): Promise<{ token: string; inviteId: string; expiresAt: string; command: string }>
}

/** What became of the volumes of a workload that was deleted; null: the console does not know. */
export type DeletedData = 'deleted' | 'kept' | 'none' | null

/** What the browser is told over server-sent events; `id` rises so that Last-Event-ID resumes. */
export type LiveEvent =
	| { type: 'workload'; workload: Workload }
	| { type: 'removed'; workloadId: string; data: DeletedData }
	| { type: 'event'; event: WorkloadEvent }
	| { type: 'node'; node: Node }
	/** a machine that redeems an invite: it asks; its proof is good and it has a certificate */
	| { type: 'join'; inviteId: string; step: 'contacted' | 'verified'; name: string; peerId: string }
	/** all that now hold of the node or workload of that id; none: it is below its thresholds again */
	| { type: 'alerts'; id: string; alerts: Alert[] }
	| { type: 'hello'; at: string; console: string }

export interface Live {
	/** everything the actor may see, from now on; starts with `hello` */
	subscribe(actor: Actor, signal: AbortSignal): AsyncIterable<LiveEvent>
}

/** Means over a minute (a day of them) or a quarter of an hour (30 days); of a workload all replicas together. */
export interface UsageHistory {
	step: 'minute' | 'quarter'
	points: ({ /** milliseconds since the epoch */ at: number } & Pick<Sample, SampleMetric>)[]
}

export interface Monitoring {
	/** `{peerId}` or `{id}`, and `range`: 'day' | 'month' */
	history(actor: Actor, input: unknown): Promise<UsageHistory>
	/** the last minutes, then a sample each 5 s of the machine or of each replica, until the signal. `{peerId}` or `{id}` */
	follow(actor: Actor, input: unknown, signal: AbortSignal): AsyncIterable<Sample[]>
	/** of every node that answers, and of the replicas on it that the actor may see, the newest sample */
	now(actor: Actor): Promise<NodeUsage[]>
	/** who is above a threshold now, of what the actor may see */
	alerts(actor: Actor): Promise<Alert[]>
	thresholds(actor: Actor): Promise<Thresholds>
	/** owner and admin only. `{cpu, memory, disk, minutes}` */
	setThresholds(actor: Actor, input: unknown): Promise<Thresholds>
}

export interface SessionView {
	/** web: a browser; api: a client with a refresh token; device: a key of the CLI with a certificate */
	kind: 'web' | 'api' | 'device'
	id: string
	address: string | null
	createdAt: string
	/** null: it needs no console, so nobody knows */
	lastSeenAt: string | null
	expiresAt: string
	/** the one that asks */
	current: boolean
}

export interface Sessions {
	/** one's own; `currentSession` is the cookie's secret */
	list(actor: Actor, currentSession: string | null): Promise<SessionView[]>
	/** `{kind, id}` */
	revoke(actor: Actor, input: unknown): Promise<void>
}

export interface Rotation {
	/** owner only; nobody is logged out */
	rotate(actor: Actor): Promise<{ issuer: string; signsFrom: string }>
}

export interface NgrokStatus {
	configured: boolean
	/** set, changed or taken away */
	changedAt: string | null
}

/** Owner and admin only. */
export interface Settings {
	/** whether there is a token; never the token */
	ngrok(actor: Actor): Promise<NgrokStatus>
	/** `{token}`; null takes it away */
	setNgrok(actor: Actor, input: unknown): Promise<NgrokStatus>
}

export interface Terminals {
	/** `{id, replica?, command?, tty?, columns?, rows?}`; its owner only. Output until `exit` or `error`, or the signal */
	open(actor: Actor, input: unknown, typed: AsyncIterable<ExecInput>, signal: AbortSignal): AsyncIterable<ExecOutput>
}

export interface AuditView {
	at: string
	actor: string
	action: string
	subject: string
	outcome: string
}

export interface Audit {
	list(actor: Actor, input: { subject?: string; limit?: number }): Promise<AuditView[]>
}

export interface Services {
	accounts: Accounts
	workloads: Workloads
	nodes: Nodes
	live: Live
	audit: Audit
	monitoring: Monitoring
	terminals: Terminals
	sessions: Sessions
	rotation: Rotation
	settings: Settings
}

/** What a Remix loader or action gets as `context`. */
export interface ConsoleContext {
	services: Services
	client: { address: string; secure: boolean }
	/** cookie signing secrets, newest first */
	cookieSecrets: string[]
	latticeId: string
}

export type { Credentials, Labels }
