import type {
	CommandFrame,
	CommandRequest,
	Endpoint,
	ExecInput,
	ExecOutput,
	Member,
	NodeView,
	WatchFrame,
} from '../../agent/protocol/index.ts'

/** The console's door to the nodes, as services see it. */
export interface Fleet {
	/** the console's own peer id */
	readonly peerId: string
	/** every node that ever joined, as this console sees it now */
	views(): NodeView[]
	view(peerId: string): NodeView | null
	/** what the gateways that are there give the workload */
	routes(workloadId: string): Endpoint[]
	/** rises when any of them changes */
	readonly routesVersion: number
	/** the workloads to which this node gives something as a gateway */
	routedBy(peerId: string): string[]
	/** connected, and its own snapshot is in: an order can be sent, and what is known of it is true */
	isReachable(peerId: string): boolean
	/** what it said last still counts: it is connected, or was until a moment ago */
	isCurrent(peerId: string): boolean
	/** where members are, nodes first: for invites and devices */
	members(): Member[]
	/** resolves once every known node is connected, or a few seconds after the start */
	settled(): Promise<void>
	/** frames until `result` or `error`; throws HOST_UNREACHABLE when the host breaks off before */
	send(peerId: string, request: CommandRequest, signal?: AbortSignal): AsyncIterable<CommandFrame>
	/** shows members the issuers and revocations that this console knows */
	announce(): Promise<void>
	/** a program in a container there; output until `exit` or `error` */
	exec(
		peerId: string,
		request: CommandRequest,
		input: AsyncIterable<ExecInput>,
		signal: AbortSignal,
	): AsyncIterable<ExecOutput>
	/** a node that has just joined: dial it from now on */
	track(node: KnownNode): void
	/** not dialled any more, and hung up on */
	forget(peerId: string): Promise<void>
}

export interface KnownNode {
	peerId: string
	name: string
	addresses: string[]
	lastSeenAt: Date
	/** null: it has not said anything yet */
	status: NodeView['status'] | null
	left: boolean
}

/** What the fleet tells. Frames of one host come one after the other: the next waits until the promise settles. */
export interface FleetListener {
	onFrame(peerId: string, frame: WatchFrame): Promise<void>
	/** the whole snapshot of the host is in: what it did not name it does not hold */
	onSynced(peerId: string, held: ReadonlySet<string>): Promise<void>
	/** a node's words or its liveness changed; `current`: what it said last still counts */
	onView(view: NodeView, current: boolean): void
}
