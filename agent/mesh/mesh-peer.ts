import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Libp2p } from 'libp2p'
import type { Trust } from '../identity/index.ts'
import type {
	CommandFrame,
	CommandRequest,
	DialGranted,
	DialRequest,
	ExecInput,
	ExecOutput,
	JoinGranted,
	JoinRequest,
	ReadyPromised,
	ReadyRequest,
	RenewGranted,
	WatchFrame,
} from '../protocol/index.ts'
import { isCircuit, type Reservations } from './circuits.ts'
import type { Connections } from './connections.ts'
import type { Ground } from './door.ts'
import { Gossip } from './gossip.ts'
import type { Connection } from './libp2p-types.ts'
import { MemberProtocols } from './member-protocols.ts'
import type { MemberTransport } from './member-transport.ts'
import { type NodeServices, startNode } from './node.ts'
import { announceable } from './own-addresses.ts'
import type {
	CommandHandler,
	DialService,
	ExecHandler,
	JoinHandler,
	MeshTimeouts,
	Peer,
	PeerChange,
	PeerConnection,
	PeerOptions,
	RenewHandler,
	WatchSource,
} from './peer.ts'
import { Admission } from './protocol-admission.ts'
import { Challenges } from './protocol-challenge.ts'
import { Commands } from './protocol-command.ts'
import { Dials } from './protocol-dial.ts'
import { DialBack } from './protocol-dial-back.ts'
import { Exec } from './protocol-exec.ts'
import { Join } from './protocol-join.ts'
import { Renew } from './protocol-renew.ts'
import { Watch } from './protocol-watch.ts'
import { Reach } from './reach.ts'
import type { RelayTransport } from './relay-transport.ts'
import type { Retirement } from './retirement.ts'

/** Revocations that arrive together are passed on together. */
const SPREAD_DEBOUNCE_MS = 100
/** Asking the system for its interfaces costs a millisecond, and an order asks for the status many times. */
const ADDRESSES_MS = 1_000
/** A member that was removed gets this long to hear why; its commands count for nothing meanwhile. */
const LAST_WORD_MS = 500

export interface Parts {
	services: NodeServices
	reservations: Reservations
	retirement: Retirement
}

/** Holds the protocols together; each does its own work in its own file. */
export class MeshPeer implements Peer {
	readonly peerId: string
	readonly members: MemberTransport
	readonly relay: RelayTransport
	readonly challenges: Challenges
	readonly #node: Libp2p
	readonly #services: NodeServices
	readonly #connections: Connections
	readonly #options: PeerOptions
	readonly #timeouts: MeshTimeouts
	readonly #admission: Admission
	readonly #reach: Reach
	readonly #join: Join
	readonly #renew: Renew
	readonly #commands: Commands
	readonly #dials: Dials
	readonly #exec: Exec
	readonly #watch: Watch
	readonly #members: MemberProtocols
	readonly #dialBack: DialBack
	readonly #retirement: Retirement
	#recheckTimer: NodeJS.Timeout | undefined
	#spreadTimer: NodeJS.Timeout | undefined
	#listening: string[] = []
	#listeningAt = 0
	#trusted: { trust: Trust; unsubscribe: () => void } | null = null

	constructor(ground: Ground, parts: Parts, options: PeerOptions, timeouts: MeshTimeouts) {
		const { services, reservations, retirement } = parts
		const { transports } = services
		this.#node = ground.node
		this.#services = services
		this.#connections = ground.connections
		this.#options = options
		this.#timeouts = timeouts
		this.peerId = ground.node.peerId.toString()
		const { trust, certificate } = options
		this.#admission = new Admission(ground, { trust, certificate, timeoutMs: timeouts.reach })
		this.#reach = new Reach({
			...ground,
			transports,
			timeoutMs: timeouts.reach,
			relayTimeoutMs: 2 * timeouts.address,
			admit: (connection) => this.#admission.initiate(connection),
			isEnrolled: () => this.#isEnrolled(),
		})
		this.#join = new Join(ground, this.#reach, timeouts.issuer)
		this.#renew = new Renew(ground, this.#reach, { trust, certificate, timeoutMs: timeouts.issuer })
		this.#commands = new Commands(ground, this.#reach)
		this.#dials = new Dials(ground, this.#reach, timeouts.issuer)
		this.#exec = new Exec(ground, this.#reach)
		this.#watch = new Watch(ground, this.#reach)
		this.#members = new MemberProtocols(ground, this.#reach, new Gossip(ground, services.pubsub))
		this.members = this.#members
		this.challenges = new Challenges(ground, this.#reach, timeouts.reach)
		this.#retirement = retirement
		this.#dialBack = new DialBack(ground, this.#reach, {
			transports,
			addressMs: timeouts.address,
			own: () => this.addresses(),
		})
		this.relay = {
			dialBack: (peerId) => this.#dialBack.ask(peerId),
			reserve: (peerId) => reservations.reserve(peerId),
			reserved: () => reservations.held(),
			onReserved: (listener) => reservations.onChange(listener),
		}
	}

	async serve(): Promise<void> {
		const { trusting, working } = {
			trusting: [this.#admission, this.#join, this.#renew],
			working: [this.#commands, this.#dials, this.#exec, this.#watch, this.#members, this.#dialBack, this.challenges],
		}
		for (const protocol of [...trusting, ...working]) await protocol.serve()
		this.#node.addEventListener('connection:open', (event) => this.#onOpen(event.detail))
		this.#node.addEventListener('connection:close', (event) => this.#onClose(event.detail))
		this.#connections.onPeer(({ peerId, connected }) => connected && this.#identify(peerId))
	}

	async start(): Promise<void> {
		await startNode(this.#node, this.#options.listen)
		this.#subscribe()
		this.#recheckTimer = setInterval(() => this.#recheck(), this.#timeouts.recheck)
	}

	async stop(): Promise<void> {
		clearInterval(this.#recheckTimer)
		clearTimeout(this.#spreadTimer)
		this.#retirement.stop()
		this.#trusted?.unsubscribe()
		this.#trusted = null
		await this.#node.stop()
	}

	addresses(): string[] {
		const now = performance.now()
		if (this.#listening.length === 0 || now - this.#listeningAt > ADDRESSES_MS) {
			this.#listening = this.#findAddresses()
			this.#listeningAt = now
		}
		return this.#listening
	}

	#findAddresses(): string[] {
		const suffix = `/p2p/${this.peerId}`
		const listening = announceable(this.#services.transports.addresses())
		const all = [...(this.#options.announce ?? []), ...listening].filter((address) => !isCircuit(address))
		return [...new Set(all.map((address) => (address.endsWith(suffix) ? address : `${address}${suffix}`)))]
	}

	async dial(member: { peerId: string; addresses: string[] }): Promise<void> {
		await this.#reach.connect(member)
	}

	upgrade(member: { peerId: string; addresses: string[] }): Promise<void> {
		return this.#reach.upgrade(member)
	}

	async hangUp(peerId: string): Promise<void> {
		const connections = this.#node.getConnections().filter((each) => each.remotePeer.toString() === peerId)
		await Promise.all(connections.map((each) => each.close()))
	}

	connected(): PeerConnection[] {
		return this.#connections.list()
	}

	onPeer(listener: (change: PeerChange) => void): () => void {
		return this.#connections.onPeer(listener)
	}

	async announce(): Promise<void> {
		await Promise.allSettled(this.#connections.admitted().map((each) => this.#admission.initiate(each)))
	}

	handleCommands(handler: CommandHandler): void {
		this.#commands.handler = handler
	}

	command(
		peerId: string,
		request: CommandRequest,
		options: { signal?: AbortSignal } = {},
	): AsyncIterable<CommandFrame> {
		return this.#commands.send(peerId, request, options.signal)
	}

	handleDials(service: DialService): void {
		this.#dials.service = service
	}

	dialGrant(peerId: string, request: DialRequest, options: { signal?: AbortSignal } = {}): Promise<DialGranted> {
		return this.#dials.grant(peerId, request, options.signal)
	}

	askReady(peerId: string, request: ReadyRequest, options: { signal?: AbortSignal } = {}): Promise<ReadyPromised> {
		return this.#dials.askReady(peerId, request, options.signal)
	}

	openData(peerId: string, options: { signal?: AbortSignal } = {}): Promise<Duplex> {
		return this.#dials.open(peerId, options.signal)
	}

	handleExec(handler: ExecHandler): void {
		this.#exec.handler = handler
	}

	exec(
		peerId: string,
		request: CommandRequest,
		input: AsyncIterable<ExecInput>,
		options: { signal: AbortSignal },
	): AsyncIterable<ExecOutput> {
		return this.#exec.run(peerId, request, input, options.signal)
	}

	handleWatch(source: WatchSource): void {
		this.#watch.source = source
	}

	watch(peerId: string, options: { signal: AbortSignal }): AsyncIterable<WatchFrame> {
		return this.#watch.follow(peerId, options.signal)
	}

	handleJoin(handler: JoinHandler): void {
		this.#join.handler = handler
	}

	join(addresses: string[], request: JoinRequest): Promise<JoinGranted> {
		return this.#join.request(addresses, request)
	}

	handleRenew(handler: RenewHandler): void {
		this.#renew.handler = handler
	}

	renew(issuer?: { peerId: string; addresses: string[] }): Promise<RenewGranted> {
		return this.#renew.request(issuer)
	}

	#isEnrolled(): boolean {
		return this.#options.trust() !== null && this.#options.certificate() !== null
	}

	#onOpen(connection: Connection): void {
		this.#subscribe()
		this.#connections.opened(connection)
	}

	#onClose(connection: Connection): void {
		this.#connections.closed(connection)
		// Gossip ran over one of several connections: its services find the one that is left by identifying it again.
		this.#identify(connection.remotePeer.toString())
	}

	/** libp2p's services (relay, gossip) learn of a peer by this; only once it is admitted. */
	#identify(peerId: string): void {
		const connection = this.#connections.of(peerId)
		if (connection === null) return
		this.#services.identify.identify(connection).catch((thrown: unknown) => {
			this.#options.log.debug({ peer: peerId, err: thrown }, 'identify failed')
		})
	}

	/** The trust may come with enrolment, after this peer. */
	#subscribe(): void {
		const trust = this.#options.trust()
		if (trust === null || this.#trusted?.trust === trust) return
		this.#trusted?.unsubscribe()
		this.#trusted = { trust, unsubscribe: trust.onLearned(({ kind }) => kind === 'revocation' && this.#spread()) }
	}

	/** Everybody is told, whom it is about included, and then cut off. Each tells on only what was new to it, so it ends. */
	#spread(): void {
		clearTimeout(this.#spreadTimer)
		this.#spreadTimer = setTimeout(async () => {
			await Promise.race([this.announce(), delay(LAST_WORD_MS, null, { ref: false })])
			await this.#recheck()
		}, SPREAD_DEBOUNCE_MS)
	}

	async #recheck(): Promise<void> {
		const trust = this.#options.trust()
		if (trust === null) return
		await this.#connections.recheck((certificate, peerId) => trust.verifyMembership(certificate, { peerId }))
	}
}
