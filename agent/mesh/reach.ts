import { setTimeout as delay } from 'node:timers/promises'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { LatticeError, LIMITS } from '../protocol/index.ts'
import { abortable } from './abortable.ts'
import { isCircuit, relayOf } from './circuits.ts'
import type { Ground } from './door.ts'
import { JsonStream } from './json-stream.ts'
import type { Connection, Stream } from './libp2p-types.ts'
import type { Transports } from './node.ts'
import { socketOf } from './own-addresses.ts'

/** A way through a relay is tried beside the direct ones when those have not come through by then. */
const DIRECT_HEAD_START_MS = 250
/** Peers whose addresses are remembered; a lattice has far fewer. */
const MAX_REMEMBERED = 4096

interface Member {
	peerId: string
	addresses: string[]
}

export interface ReachOptions extends Ground {
	transports: Transports
	timeoutMs: number
	/** for the relay to connect the two ends */
	relayTimeoutMs: number
	/** runs the admission of a connection, or joins the one under way */
	admit: (connection: Connection) => Promise<unknown>
	isEnrolled: () => boolean
}

/** From a peer id to an admitted connection, or to a stream on one, within one deadline. */
export class Reach {
	readonly #options: ReachOptions
	readonly #addresses = new Map<string, string[]>()

	constructor(options: ReachOptions) {
		this.#options = options
	}

	async connect(member: Member, signal: AbortSignal = this.deadline()): Promise<Connection> {
		if (!this.#options.isEnrolled()) {
			throw new LatticeError('NOT_READY', 'This node belongs to no lattice yet; run `lattice join TOKEN` first.')
		}
		this.#remember(member)
		return this.#options.connections.of(member.peerId) ?? this.#connect(member, signal)
	}

	/** By the direct ways only, also where there is a relayed connection; which one is used afterwards is not said here. */
	async upgrade(member: Member): Promise<void> {
		const signal = this.deadline()
		const addresses = member.addresses.filter((address) => !isCircuit(address))
		if (this.dialable({ ...member, addresses }).length === 0) return
		await this.#admitted(await this.dial({ ...member, addresses }, signal), signal)
	}

	/** Connects without admission: to join, or to renew a certificate that has ended. */
	async dial(member: Member, signal: AbortSignal = this.deadline()): Promise<Connection> {
		const direct = this.dialable({ ...member, addresses: member.addresses.filter((each) => !isCircuit(each)) })
		const circuits = member.addresses.filter(isCircuit)
		if (direct.length === 0 && circuits.length === 0) throw unreachable(member.peerId, 'no address of it is known')
		try {
			if (circuits.length === 0) return await this.#options.node.dial(direct, { signal })
			if (direct.length === 0) return await this.#throughRelay(member.peerId, circuits, signal)
			return await this.#race(member.peerId, direct, circuits, signal)
		} catch (thrown) {
			throw unreachable(member.peerId, thrown, member.addresses)
		}
	}

	/**
	 * The addresses of a member that may lead to it, each with the peer id that Noise must find there. Those that this
	 * peer listens on lead back here: loopback, or the one private address of every home. What is no address is left out:
	 * a member may be newer and announce a kind that this version does not know.
	 */
	dialable(member: Member): Multiaddr[] {
		const suffix = `/p2p/${peerIdFromString(member.peerId).toString()}`
		const own = new Set(this.#options.transports.addresses().map(socketOf))
		return member.addresses.flatMap((address) => {
			const socket = socketOf(address)
			if (socket !== null && own.has(socket)) return []
			try {
				return [multiaddr(address.endsWith(suffix) ? address : `${address}${suffix}`)]
			} catch {
				return []
			}
		})
	}

	async #connect(member: Member, signal: AbortSignal): Promise<Connection> {
		const started = Date.now()
		const connection = await this.dial(member, signal)
		try {
			return await this.#admitted(connection, signal)
		} catch (thrown) {
			// libp2p gave a connection that existed: it may have been on its way out (a peer that restarts, a refusal).
			const wasStale = connection.timeline.open < started && LatticeError.from(thrown).code === 'HOST_UNREACHABLE'
			if (!wasStale || signal.aborted) throw thrown
			return this.#admitted(await this.dial(member, signal), signal)
		}
	}

	/**
	 * The direct ways first, and a relayed one soon after if they do not answer: packets that a NAT swallows take seconds
	 * to be given up. Should a direct way come through later, it is admitted too, and new streams take it.
	 */
	async #race(peerId: string, direct: Multiaddr[], circuits: string[], signal: AbortSignal): Promise<Connection> {
		const settled = new AbortController()
		const byDirect = this.#options.node.dial(direct, { signal })
		const hopeless = byDirect.then(
			() => settled.abort(new Error('a direct way came through')),
			() => undefined,
		)
		const byRelay = Promise.race([hopeless, delay(DIRECT_HEAD_START_MS)]).then(() => {
			settled.signal.throwIfAborted()
			return this.#throughRelay(peerId, circuits, AbortSignal.any([signal, settled.signal]))
		})
		const first = await Promise.any([byDirect, byRelay])
		if (!first.direct) byDirect.then((late) => this.#options.admit(late)).catch((thrown) => this.#note(peerId, thrown))
		return first
	}

	/** Relays that this peer is connected with come first; of the others the first may be the one that has just died. */
	async #throughRelay(peerId: string, circuits: string[], signal: AbortSignal): Promise<Connection> {
		const relays = new Map<string, string[]>()
		for (const circuit of circuits) {
			const relay = relayOf(circuit)
			if (relay) relays.set(relay.peerId, [...(relays.get(relay.peerId) ?? []), relay.address])
		}
		const isConnected = (relay: string) => this.#options.connections.of(relay)?.direct === true
		const failures: unknown[] = []
		for (const [relay, addresses] of [...relays].sort(([a], [b]) => Number(isConnected(b)) - Number(isConnected(a)))) {
			try {
				if (!isConnected(relay)) await this.#connect({ peerId: relay, addresses }, signal)
				return await this.#options.transports.dial(
					multiaddr(`${addresses[0]}/p2p-circuit/p2p/${peerId}`),
					AbortSignal.any([signal, AbortSignal.timeout(this.#options.relayTimeoutMs)]),
				)
			} catch (thrown) {
				if (signal.aborted) throw thrown
				failures.push(thrown)
			}
		}
		throw new AggregateError(failures, `no relay leads to it: ${failures.map(reasonOf).join('; ')}`)
	}

	#note(peerId: string, thrown: unknown): void {
		this.#options.log.debug({ peer: peerId, reason: reasonOf(thrown) }, 'no direct way')
	}

	/** A stream on the connection there is, or on a new one. One that broke unnoticed is replaced, once. */
	async open(peerId: string, protocol: string, signal: AbortSignal = this.deadline()): Promise<JsonStream> {
		return new JsonStream(await this.openStream(peerId, protocol, signal))
	}

	async openOn(connection: Connection, protocol: string, signal: AbortSignal = this.deadline()): Promise<JsonStream> {
		return new JsonStream(await this.#streamOn(connection, protocol, signal))
	}

	/** As `open`, for bytes that are no frames. */
	async openStream(peerId: string, protocol: string, signal: AbortSignal = this.deadline()): Promise<Stream> {
		const existing = this.#options.connections.of(peerId)
		if (existing !== null) {
			try {
				return await this.#streamOn(existing, protocol, signal)
			} catch (thrown) {
				if (signal.aborted || existing.status === 'open') throw thrown
			}
		}
		const connection = await this.connect({ peerId, addresses: this.#addresses.get(peerId) ?? [] }, signal)
		return this.#streamOn(connection, protocol, signal)
	}

	async #streamOn(connection: Connection, protocol: string, signal: AbortSignal): Promise<Stream> {
		try {
			return await connection.newStream(protocol, {
				signal,
				maxOutboundStreams: LIMITS.streamsPerProtocol,
				runOnLimitedConnection: true,
			})
		} catch (thrown) {
			throw unreachable(connection.remotePeer.toString(), thrown)
		}
	}

	/** `reach` milliseconds from now, or the caller's own signal. */
	deadline(signal?: AbortSignal): AbortSignal {
		const timeout = AbortSignal.timeout(this.#options.timeoutMs)
		return signal === undefined ? timeout : AbortSignal.any([timeout, signal])
	}

	async #admitted(connection: Connection, signal: AbortSignal): Promise<Connection> {
		if (this.#options.connections.claimsOf(connection) !== null) return connection
		try {
			await abortable(this.#options.admit(connection), signal)
			return connection
		} catch (thrown) {
			// Nothing but the same refusal would come over it again.
			connection.abort(new Error('not admitted'))
			throw thrown instanceof LatticeError ? thrown : unreachable(connection.remotePeer.toString(), thrown)
		}
	}

	#remember(member: Member): void {
		if (member.addresses.length === 0) return
		this.#addresses.delete(member.peerId)
		this.#addresses.set(member.peerId, member.addresses)
		const oldest = this.#addresses.keys().next()
		if (this.#addresses.size > MAX_REMEMBERED && !oldest.done) this.#addresses.delete(oldest.value)
	}
}

export function unreachable(peerId: string, cause: unknown, addresses: string[] = []): LatticeError {
	const reason = reasonOf(cause)
	return new LatticeError(
		'HOST_UNREACHABLE',
		`The node ${peerId} does not answer; check that its agent runs and that this machine can reach it.`,
		{ peerId, addresses, reason, refused: isRefused(cause) },
		{ cause },
	)
}

function reasonOf(cause: unknown): string {
	return cause instanceof Error ? cause.message : String(cause)
}

/** At every address the other kernel said that nobody listens: the process is gone, where silence may be a cut link. */
function isRefused(cause: unknown): boolean {
	if (cause instanceof AggregateError) return cause.errors.length > 0 && cause.errors.every(isRefused)
	return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED'
}
