import { HeardRoutes } from '../../agent/commands/heard-routes.ts'
import type { Members, Peer } from '../../agent/mesh/index.ts'
import type {
	CommandFrame,
	CommandRequest,
	Endpoint,
	ExecInput,
	ExecOutput,
	LatticeError,
	Liveness,
	Member,
	NodeView,
	WatchFrame,
} from '../../agent/protocol/index.ts'
import type { Fleet, FleetListener, KnownNode } from './fleet.ts'
import { HostLink } from './host-link.server.ts'
import { type Host, toView, withPath } from './host-view.ts'

/** A dropped connection is dialled again at once; a node that has not come back by then is down. */
const DOWN_AFTER_MS = 1_500
/** After the console's own start the nodes get this long to be found before an order is placed without them. */
const SETTLE_MS = 4_000

export interface FleetModules {
	peer: Peer
	/** what all nodes find together: a cut link is found by its probes, long before the connection ends */
	members: Pick<Members, 'view'>
	log: {
		debug(facts: object, message: string): void
		info(facts: object, message: string): void
		warn(facts: object, message: string): void
	}
}

/** The console's live view of the nodes: one watched link to each, and this console's judgement of who is there. */
export class MeshFleet implements Fleet {
	readonly peerId: string
	readonly #modules: FleetModules
	readonly #hosts = new Map<string, Host>()
	readonly #routes = new HeardRoutes()
	readonly #settled = Promise.withResolvers<void>()
	#listener: FleetListener | null = null
	#settleTimer: NodeJS.Timeout | null = null
	readonly #endings: (() => void)[] = []

	constructor(modules: FleetModules) {
		this.#modules = modules
		this.peerId = modules.peer.peerId
	}

	/** The peer runs already; from here on the known nodes are looked for, and `listener` is told of them. */
	start(known: KnownNode[], listener: FleetListener): void {
		this.#listener = listener
		this.#endings.push(
			this.#modules.peer.onPeer(({ peerId, connected }) => this.#onPeer(peerId, connected)),
			this.#modules.members.view.onChange(({ peerId, view }) => view && this.#onVerdict(peerId, view)),
		)
		for (const node of known) this.track(node)
		for (const { peerId } of this.#modules.peer.connected()) this.#onPeer(peerId, true)
		this.#settleTimer = setTimeout(() => this.#settled.resolve(), SETTLE_MS).unref()
		this.#checkSettled()
	}

	stop(): void {
		for (const end of this.#endings.splice(0)) end()
		if (this.#settleTimer) clearTimeout(this.#settleTimer)
		for (const host of this.#hosts.values()) {
			if (host.downTimer) clearTimeout(host.downTimer)
			host.link.stop()
		}
		this.#settled.resolve()
	}

	track(node: KnownNode): void {
		const known = this.#hosts.get(node.peerId)
		if (known) {
			known.name = node.name
			return
		}
		const host: Host = {
			link: this.#newLink(node.peerId),
			name: node.name,
			status: node.status && { ...node.status, name: node.name },
			addresses: node.addresses,
			liveness: node.left ? 'left' : 'suspect',
			lastSeenAt: node.lastSeenAt,
			heard: false,
			downTimer: null,
		}
		this.#hosts.set(node.peerId, host)
		if (node.left) return
		if (this.#isConnected(node.peerId)) this.#onPeer(node.peerId, true)
		else this.#onPeer(node.peerId, false)
	}

	async forget(peerId: string): Promise<void> {
		const host = this.#hosts.get(peerId)
		if (!host) return
		host.link.stop()
		if (host.downTimer) clearTimeout(host.downTimer)
		this.#judge(peerId, host, 'left')
		await this.#modules.peer.hangUp(peerId)
	}

	views(): NodeView[] {
		const paths = new Map(this.#modules.peer.connected().map((each) => [each.peerId, each]))
		return [...this.#hosts].map(([peerId, host]) => withPath(toView(peerId, host), paths.get(peerId)))
	}

	view(peerId: string): NodeView | null {
		const host = this.#hosts.get(peerId)
		return host ? toView(peerId, host) : null
	}

	routes(workloadId: string): Endpoint[] {
		return this.#routes.of(workloadId, (peerId) => this.isCurrent(peerId))
	}

	get routesVersion(): number {
		return this.#routes.version
	}

	routedBy(peerId: string): string[] {
		return this.#routes.by(peerId)
	}

	isReachable(peerId: string): boolean {
		const host = this.#hosts.get(peerId)
		return host?.link.synced === true && this.#isConnected(peerId)
	}

	isCurrent(peerId: string): boolean {
		const host = this.#hosts.get(peerId)
		return host?.heard === true && (host.liveness === 'alive' || host.liveness === 'suspect')
	}

	members(): Member[] {
		const nodes = [...this.#hosts]
			.filter(([, host]) => host.liveness !== 'left' && host.addresses.length > 0)
			// Those that answer first: a joiner tries one after the other.
			.sort(([, a], [, b]) => Number(b.liveness === 'alive') - Number(a.liveness === 'alive'))
			.map(([peerId, { name, addresses }]) => ({ peerId, name, addresses }))
		return [...nodes, { peerId: this.peerId, name: 'console', addresses: this.#modules.peer.addresses() }]
	}

	settled(): Promise<void> {
		return this.#settled.promise
	}

	announce(): Promise<void> {
		return this.#modules.peer.announce()
	}

	exec(
		peerId: string,
		request: CommandRequest,
		input: AsyncIterable<ExecInput>,
		signal: AbortSignal,
	): AsyncIterable<ExecOutput> {
		return this.#modules.peer.exec(peerId, request, input, { signal })
	}

	send(peerId: string, request: CommandRequest, signal?: AbortSignal): AsyncIterable<CommandFrame> {
		return this.#modules.peer.command(peerId, request, signal ? { signal } : {})
	}

	#newLink(peerId: string): HostLink {
		const { peer, log } = this.#modules
		return new HostLink(peerId, {
			peer,
			log,
			addresses: () => this.#hosts.get(peerId)?.addresses ?? [],
			onFollow: () => this.#routes.forget(peerId),
			onFrame: async (frame) => {
				const named = this.#heard(peerId, frame)
				await this.#listener?.onFrame(peerId, named)
			},
			onSynced: async (held) => {
				await this.#listener?.onSynced(peerId, held)
				this.#synced(peerId)
			},
			onDialFailed: (error) => this.#dialFailed(peerId, error),
		})
	}

	#onPeer(peerId: string, connected: boolean): void {
		const host = this.#hosts.get(peerId)
		if (!host || host.liveness === 'left') return
		if (connected) {
			this.#alive(peerId)
			host.link.connected()
			return
		}
		host.link.lost()
		if (host.liveness === 'alive') this.#judge(peerId, host, 'suspect')
		host.downTimer ??= setTimeout(() => {
			host.downTimer = null
			if (!this.#isConnected(peerId)) this.#judge(peerId, host, 'down')
		}, DOWN_AFTER_MS).unref()
	}

	/** Who is alive to others may still be out of this console's reach: alive it is here once it is connected. */
	#onVerdict(peerId: string, { liveness, status }: NodeView): void {
		const host = this.#hosts.get(peerId)
		if (!host || host.liveness === 'left') return
		host.addresses = status.addresses
		if (liveness === 'left') this.#judge(peerId, host, 'left')
		else if (liveness === 'down') this.#judge(peerId, host, 'down')
		else if (liveness === 'suspect' && host.liveness === 'alive') this.#judge(peerId, host, 'suspect')
		else if (liveness === 'alive' && this.#isConnected(peerId)) this.#alive(peerId)
	}

	/** The node's own words; its name is the one of its certificate. */
	#heard(peerId: string, frame: WatchFrame): WatchFrame {
		const host = this.#hosts.get(peerId)
		if (!host) return frame
		host.lastSeenAt = new Date()
		if (frame.type === 'report') {
			return { ...frame, report: { ...frame.report, node: { ...frame.report.node, name: host.name } } }
		}
		if (frame.type === 'routes') {
			this.#routes.hear(peerId, frame.workloadId, this.#isGateway(peerId) ? frame.endpoints : [])
			return frame
		}
		if (frame.type !== 'node' || frame.node.peerId !== peerId) return frame
		const node = { ...frame.node, name: host.name }
		host.status = node
		host.addresses = node.addresses
		this.#tell(peerId, host)
		return { ...frame, node }
	}

	#synced(peerId: string): void {
		const host = this.#hosts.get(peerId)
		if (!host) return
		host.heard = true
		// Its last frames may still have been worked on when the connection was gone.
		if (this.#isConnected(peerId)) this.#alive(peerId)
		// Also when it was alive before: only now does what it said count.
		this.#tell(peerId, host)
		this.#checkSettled()
	}

	#alive(peerId: string): void {
		const host = this.#hosts.get(peerId)
		if (!host) return
		if (host.downTimer) clearTimeout(host.downTimer)
		host.downTimer = null
		host.lastSeenAt = new Date()
		this.#judge(peerId, host, 'alive')
	}

	#judge(peerId: string, host: Host, liveness: Liveness): void {
		const before = host.liveness
		host.liveness = liveness
		if (before === liveness) return
		this.#modules.log.info({ peer: peerId, node: host.name, from: before, to: liveness }, 'node liveness')
		this.#tell(peerId, host)
	}

	#dialFailed(peerId: string, error: LatticeError): void {
		const facts = { peer: peerId, code: error.code, reason: error.message }
		if (error.code === 'HOST_UNREACHABLE') this.#modules.log.debug(facts, 'a node does not answer')
		else this.#modules.log.warn(facts, 'a node refused this console')
	}

	#tell(peerId: string, host: Host): void {
		const path = this.#modules.peer.connected().find((each) => each.peerId === peerId)
		this.#listener?.onView(withPath(toView(peerId, host), path), this.isCurrent(peerId))
	}

	#checkSettled(): void {
		const waiting = [...this.#hosts.values()].some((host) => host.liveness !== 'left' && !host.heard)
		if (!waiting) this.#settled.resolve()
	}

	/** By its certificate: nobody else may say where a workload is reached. */
	#isGateway(peerId: string): boolean {
		const connection = this.#modules.peer.connected().find((each) => each.peerId === peerId)
		return connection?.certificate.gateway === true
	}

	#isConnected(peerId: string): boolean {
		return this.#modules.peer.connected().some((connection) => connection.peerId === peerId)
	}
}
