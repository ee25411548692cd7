import type { GossipMessage, Liveness, NodeStatus, ProbeMessage, SnapshotMessage } from '../protocol/index.ts'
import { Door } from './door.ts'
import { EventQueue, seededRandom } from './event-queue.fixture.ts'
import type { Effect, MembershipEvent, StatusEntry } from './events.ts'
import { Membership } from './membership.ts'
import type { Timing } from './timing.ts'

export interface VirtualOptions {
	seed: number
	/** one way */
	delayMs: number
	/** of each message, probes and answers alike: harsher than TCP, which repeats */
	loss: number
	timing?: Partial<Timing>
}

export interface Transition {
	at: number
	observer: string
	peerId: string
	liveness: Liveness
}

/** Ethernet, IP, TCP with timestamps; Noise and yamux; our length. And the kernel's acknowledgement. */
const SEGMENT_BYTES = 66
const FRAME_BYTES = 18 + 12 + 4
/** gossipsub's protobuf, author, sequence number, topic and signature */
const GOSSIP_BYTES = 250
/** A message passes most links of a mesh of degree 6 once; each node sends about this many copies. */
const GOSSIP_COPIES = 3

const CHECK_MS = 5

/** A dial that nobody answers. */
const DIAL_TIMEOUT_MS = 2_000
/** SYN, Noise and two negotiations, in one-way delays. */
const DIAL_DELAYS = 8

export class VirtualNode {
	readonly peerId: string
	readonly membership: Membership
	state: 'runs' | 'frozen' | 'dead' | 'off' = 'runs'
	readonly inbox: MembershipEvent[] = []
	readonly door: Door
	sequence = 0
	sentBytes = 0
	wakeScheduledAt = Number.POSITIVE_INFINITY
	readonly dials = new Map<string, (ProbeMessage | SnapshotMessage)[]>()

	constructor(peerId: string, membership: Membership) {
		this.peerId = peerId
		this.membership = membership
		this.door = new Door(peerId, {
			isGood: () => true,
			isMember: () => true,
			certified: () => ({ name: peerId, labels: {}, gateway: false }),
		})
	}
}

/** A lattice in virtual time: real machines, a network that loses, delays, cuts and heals, processes that freeze and die. */
export class VirtualLattice {
	readonly queue = new EventQueue()
	readonly nodes: VirtualNode[] = []
	readonly transitions: Transition[] = []
	readonly random: () => number
	readonly #options: VirtualOptions
	readonly #connections = new Set<string>()
	#isBlocked: (a: string, b: string) => boolean = () => false

	constructor(options: VirtualOptions) {
		this.#options = options
		this.random = seededRandom(options.seed)
	}

	/** Nodes that already know and hold each other. */
	static settled(count: number, options: VirtualOptions): VirtualLattice {
		const lattice = new VirtualLattice(options)
		for (let i = 0; i < count; i++) lattice.add()
		for (const a of lattice.nodes) {
			for (const b of lattice.nodes) {
				if (a === b) continue
				lattice.#connections.add(pair(a.peerId, b.peerId))
				const entry = b.membership.status(b.peerId)
				if (entry) lattice.#feed(a, { kind: 'message', from: b.peerId, message: { kind: 'status', entry } })
			}
		}
		// A few rounds, so that everybody was heard and measured; then look at a clean page.
		lattice.run(5_000)
		lattice.transitions.length = 0
		return lattice
	}

	add(incarnation = 1): VirtualNode {
		const peerId = `12D3KooW${String(this.nodes.length).padStart(44, '0')}`
		const membership = new Membership(
			{ self: peerId, incarnation, now: this.queue.now, timing: this.#options.timing ?? {} },
			{
				random: this.random,
				sign: (statement) => ({ by: peerId, body: JSON.stringify(statement), signature: 's'.repeat(86) }),
			},
		)
		const node = new VirtualNode(peerId, membership)
		this.nodes.push(node)
		this.announce(node)
		return node
	}

	announce(node: VirtualNode): void {
		node.sequence++
		this.#feed(node, { kind: 'announce', entry: entryOf(node.peerId, node.membership.incarnation, node.sequence) })
	}

	event(node: VirtualNode, event: MembershipEvent): void {
		this.#feed(node, event)
	}

	run(ms: number): void {
		this.queue.runUntil(this.queue.now + ms)
	}

	/** Milliseconds until it holds, or null when it does not within the limit. */
	timeUntil(holds: () => boolean, limit: number): number | null {
		const start = this.queue.now
		// Comparing a hundred views after each of a million events would be all that the simulation does.
		for (let waited = 0; waited <= limit; waited += CHECK_MS) {
			this.queue.runUntil(start + waited)
			if (holds()) return waited
		}
		return null
	}

	connect(a: VirtualNode, b: VirtualNode): void {
		this.#dial(a, b.peerId, [])
	}

	/** SIGKILL: the kernel closes its connections. */
	kill(node: VirtualNode): void {
		node.state = 'dead'
		for (const other of this.nodes) this.#drop(node, other)
	}

	/** Power lost: no word from the kernel. */
	powerOff(node: VirtualNode): void {
		node.state = 'off'
	}

	freeze(node: VirtualNode, ms: number): void {
		node.state = 'frozen'
		this.queue.after(ms, () => {
			node.state = 'runs'
			this.#feed(node, { kind: 'tick' })
			for (const event of node.inbox.splice(0)) this.#feed(node, event)
		})
	}

	/** No packet passes between the two sides. */
	cut(side: readonly VirtualNode[]): void {
		const inside = new Set(side.map(({ peerId }) => peerId))
		this.#isBlocked = (a, b) => inside.has(a) !== inside.has(b)
	}

	heal(): void {
		this.#isBlocked = () => false
	}

	liveness(observer: VirtualNode, of: VirtualNode): Liveness | undefined {
		return observer.membership.member(of.peerId)?.liveness
	}

	/** Everybody who runs sees the same of everybody, newest incarnations and statuses included. */
	agree(): boolean {
		const running = this.nodes.filter(({ state }) => state === 'runs')
		const facts = (observer: VirtualNode, of: VirtualNode): string => {
			if (observer === of) return `${of.membership.incarnation} alive ${of.sequence}`
			const member = observer.membership.member(of.peerId)
			return `${member?.incarnation} ${member?.liveness} ${observer.membership.status(of.peerId)?.status.sequence}`
		}
		return this.nodes.every((of) => new Set(running.map((observer) => facts(observer, of))).size === 1)
	}

	#feed(node: VirtualNode, event: MembershipEvent): void {
		if (node.state === 'frozen') node.inbox.push(event)
		if (node.state !== 'runs') return
		for (const effect of node.membership.handle(event, this.queue.now)) this.#perform(node, effect)
		this.#scheduleWake(node)
	}

	#scheduleWake(node: VirtualNode): void {
		const at = node.membership.wakeAt()
		if (at >= node.wakeScheduledAt && node.wakeScheduledAt > this.queue.now) return
		node.wakeScheduledAt = at
		this.queue.after(at - this.queue.now, () => {
			if (node.wakeScheduledAt === at) node.wakeScheduledAt = Number.POSITIVE_INFINITY
			if (node.state === 'runs') this.#feed(node, { kind: 'tick' })
		})
	}

	#perform(node: VirtualNode, effect: Effect): void {
		if (effect.kind === 'send') this.#send(node, effect.to, effect.message)
		if (effect.kind === 'publish') this.#publish(node, effect.message)
		if (effect.kind !== 'liveness') return
		const { peerId, liveness } = effect
		this.transitions.push({ at: this.queue.now, observer: node.peerId, peerId, liveness })
		const other = this.#node(peerId)
		// As the mesh does: a full mesh of the living, and no half-open connection to those given up.
		if (liveness === 'alive' && !this.#connections.has(pair(node.peerId, peerId))) this.#dial(node, peerId, [])
		if (liveness === 'down') this.#drop(node, other)
	}

	#send(from: VirtualNode, to: string, message: ProbeMessage | SnapshotMessage): void {
		if (!this.#connections.has(pair(from.peerId, to))) {
			this.#dial(from, to, [message])
			return
		}
		from.sentBytes += JSON.stringify(message).length + FRAME_BYTES + SEGMENT_BYTES
		const target = this.#node(to)
		target.sentBytes += SEGMENT_BYTES
		this.#deliver(from, target, this.#options.delayMs, message)
	}

	#deliver(
		from: VirtualNode,
		to: VirtualNode,
		delay: number,
		wire: ProbeMessage | SnapshotMessage | GossipMessage,
	): void {
		if (this.random() < this.#options.loss || this.#isBlocked(from.peerId, to.peerId)) return
		this.queue.after(delay * (1 + 0.1 * this.random()), () => {
			if (this.#isBlocked(from.peerId, to.peerId)) return
			const { message } = to.door.open(from.peerId, wire)
			if (message) this.#feed(to, { kind: 'message', from: from.peerId, message })
		})
	}

	/** To all that are reached over open connections; those that do not run pass nothing on. */
	#publish(author: VirtualNode, message: GossipMessage): void {
		const reached = new Set([author])
		for (const node of reached) {
			if (node.state !== 'runs') continue
			node.sentBytes += GOSSIP_COPIES * (JSON.stringify(message).length + GOSSIP_BYTES + FRAME_BYTES + SEGMENT_BYTES)
			for (const other of this.nodes) {
				if (!this.#connections.has(pair(node.peerId, other.peerId))) continue
				if (!this.#isBlocked(node.peerId, other.peerId)) reached.add(other)
			}
		}
		reached.delete(author)
		for (const node of reached) {
			if (this.random() < this.#options.loss) continue
			this.queue.after(2 * this.#options.delayMs, () => {
				const opened = node.door.open(author.peerId, message).message
				if (opened) this.#feed(node, { kind: 'message', from: author.peerId, message: opened })
			})
		}
	}

	#dial(from: VirtualNode, to: string, messages: (ProbeMessage | SnapshotMessage)[]): void {
		const waiting = from.dials.get(to)
		if (waiting) {
			waiting.push(...messages)
			return
		}
		from.dials.set(to, [...messages])
		const target = this.#node(to)
		const { delayMs } = this.#options
		const silent = () => target.state === 'off' || target.state === 'frozen' || this.#isBlocked(from.peerId, to)
		if (silent()) this.queue.after(DIAL_TIMEOUT_MS, () => this.#dialFailed(from, to, false))
		else if (target.state === 'dead') this.queue.after(2 * delayMs, () => this.#dialFailed(from, to, true))
		else {
			this.queue.after(DIAL_DELAYS * delayMs, () => {
				if (silent() || target.state === 'dead') return this.#dialFailed(from, to, target.state === 'dead')
				const kept = from.dials.get(to) ?? []
				from.dials.delete(to)
				if (!this.#connections.has(pair(from.peerId, to))) {
					this.#connections.add(pair(from.peerId, to))
					this.#feed(from, { kind: 'connected', peerId: to })
					this.#feed(target, { kind: 'connected', peerId: from.peerId })
				}
				for (const message of kept) this.#send(from, to, message)
			})
		}
	}

	#dialFailed(from: VirtualNode, to: string, refused: boolean): void {
		const kept = from.dials.get(to) ?? []
		from.dials.delete(to)
		for (const message of kept) {
			if (message.kind === 'probe') this.#feed(from, { kind: 'probeFailed', id: message.id, refused })
		}
	}

	#drop(closing: VirtualNode, other: VirtualNode): void {
		if (!this.#connections.delete(pair(closing.peerId, other.peerId))) return
		if (this.#isBlocked(closing.peerId, other.peerId)) return
		this.queue.after(this.#options.delayMs, () => this.#feed(other, { kind: 'connectionLost', peerId: closing.peerId }))
	}

	#node(peerId: string): VirtualNode {
		const node = this.nodes[Number(peerId.slice(8))]
		if (!node) throw new Error(`no node ${peerId}`)
		return node
	}
}

function pair(a: string, b: string): string {
	return a < b ? a + b : b + a
}

export function entryOf(peerId: string, incarnation: number, sequence: number): StatusEntry {
	const status: NodeStatus = {
		peerId,
		name: peerId,
		incarnation,
		sequence,
		labels: {},
		capacity: { cpus: 2, memoryBytes: 4 * 1024 ** 3, diskBytes: 50 * 1024 ** 3 },
		allocated: { cpus: 0, memoryBytes: 0, diskBytes: 0 },
		arch: 'x86_64',
		os: 'linux',
		engine: { ready: true, reason: null, version: '20.10.24' },
		gateway: false,
		relay: false,
		restUrl: null,
		images: [],
		recentFailures: 0,
		workloads: [],
		version: '0.1.0',
		addresses: [],
	}
	const signed = { by: peerId, body: JSON.stringify(status), signature: 's'.repeat(86) }
	return { status, record: { certificate: '', signed } }
}
