import { setTimeout as delay } from 'node:timers/promises'
import type { Libp2p } from 'libp2p'
import type { Trust } from '../identity/index.ts'
import {
	type CommandFrame,
	type CommandRequest,
	type JoinGranted,
	type JoinRequest,
	LIMITS,
	type RenewGranted,
	type WatchFrame,
} from '../protocol/index.ts'
import { Connections } from './connections.ts'
import type { Ground } from './door.ts'
import { Gossip } from './gossip.ts'
import type { Connection } from './libp2p-types.ts'
import { MemberProtocols } from './member-protocols.ts'
import type { MemberTransport } from './member-transport.ts'
import { createNode, type NodeServices, startNode } from './node.ts'
import type {
	CommandHandler,
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
import { Commands } from './protocol-command.ts'
import { Join } from './protocol-join.ts'
import { Renew } from './protocol-renew.ts'
import { Watch } from './protocol-watch.ts'
import { Reach } from './reach.ts'

const TIMEOUTS: MeshTimeouts = {
	admission: LIMITS.admissionTimeoutMs,
	firstFrame: LIMITS.firstFrameTimeoutMs,
	reach: 4_500,
	address: 1_500,
	issuer: 10_000,
	recheck: 60_000,
	ping: 10_000,
}
/** Revocations that arrive together are passed on together. */
const SPREAD_DEBOUNCE_MS = 100
/** A member that was removed gets this long to hear why; its commands count for nothing meanwhile. */
const LAST_WORD_MS = 500

export async function createPeer(options: PeerOptions): Promise<Peer> {
	const timeouts = { ...TIMEOUTS, ...options.timeouts }
	const connections = new Connections({ admissionTimeoutMs: timeouts.admission, log: options.log })
	const node = await createNode(options, timeouts, {
		isAdmitted: async (connection) => (await connections.identified(connection)) !== null,
		isMember: async (connection) => ((await connections.identified(connection))?.role ?? 'device') !== 'device',
	})
	const ground = { node, connections, log: options.log, firstFrameMs: timeouts.firstFrame }
	const peer = new MeshPeer(ground, node.services, options, timeouts)
	await peer.serve()
	return peer
}

/** Holds the protocols together; each does its own work in its own file. */
class MeshPeer implements Peer {
	readonly peerId: string
	readonly members: MemberTransport
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
	readonly #watch: Watch
	readonly #members: MemberProtocols
	#recheckTimer: NodeJS.Timeout | undefined
	#spreadTimer: NodeJS.Timeout | undefined
	#trusted: { trust: Trust; unsubscribe: () => void } | null = null

	constructor(ground: Ground, services: NodeServices, options: PeerOptions, timeouts: MeshTimeouts) {
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
			timeoutMs: timeouts.reach,
			admit: (connection) => this.#admission.initiate(connection),
			isEnrolled: () => this.#isEnrolled(),
		})
		this.#join = new Join(ground, this.#reach, timeouts.issuer)
		this.#renew = new Renew(ground, this.#reach, { trust, certificate, timeoutMs: timeouts.issuer })
		this.#commands = new Commands(ground, this.#reach)
		this.#watch = new Watch(ground, this.#reach)
		this.#members = new MemberProtocols(ground, this.#reach, new Gossip(ground, services.pubsub))
		this.members = this.#members
	}

	async serve(): Promise<void> {
		for (const protocol of [this.#admission, this.#join, this.#renew, this.#commands, this.#watch, this.#members])
			await protocol.serve()
		this.#node.addEventListener('connection:open', (event) => this.#onOpen(event.detail))
		this.#node.addEventListener('connection:close', (event) => this.#connections.closed(event.detail))
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
		this.#trusted?.unsubscribe()
		this.#trusted = null
		await this.#node.stop()
	}

	addresses(): string[] {
		const suffix = `/p2p/${this.peerId}`
		const all = [...this.#services.listening.addresses(), ...this.#node.getMultiaddrs().map(String)]
		return [...new Set(all.map((address) => (address.endsWith(suffix) ? address : `${address}${suffix}`)))]
	}

	async dial(member: { peerId: string; addresses: string[] }): Promise<void> {
		await this.#reach.connect(member)
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
