import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { LatticeError, LIMITS } from '../protocol/index.ts'
import { abortable } from './abortable.ts'
import type { Ground } from './door.ts'
import { JsonStream } from './json-stream.ts'
import type { Connection } from './libp2p-types.ts'

/** Peers whose addresses are remembered; a lattice has far fewer. */
const MAX_REMEMBERED = 4096

export interface ReachOptions extends Ground {
	timeoutMs: number
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

	async connect(
		member: { peerId: string; addresses: string[] },
		signal: AbortSignal = this.deadline(),
	): Promise<Connection> {
		if (!this.#options.isEnrolled()) {
			throw new LatticeError('NOT_READY', 'This node belongs to no lattice yet; run `lattice join TOKEN` first.')
		}
		this.#remember(member)
		const known = this.#options.connections.of(member.peerId)
		if (known !== null) return known
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

	/** Connects without admission: to join, or to renew a certificate that has ended. */
	async dial(
		member: { peerId: string; addresses: string[] },
		signal: AbortSignal = this.deadline(),
	): Promise<Connection> {
		const addresses = dialable(member)
		if (addresses.length === 0) throw unreachable(member.peerId, 'no address of it is known')
		try {
			return await this.#options.node.dial(addresses, { signal })
		} catch (thrown) {
			throw unreachable(member.peerId, thrown, member.addresses)
		}
	}

	/** A stream on the connection there is, or on a new one. One that broke unnoticed is replaced, once. */
	async open(peerId: string, protocol: string, signal: AbortSignal = this.deadline()): Promise<JsonStream> {
		const existing = this.#options.connections.of(peerId)
		if (existing !== null) {
			try {
				return await this.openOn(existing, protocol, signal)
			} catch (thrown) {
				if (signal.aborted || existing.status === 'open') throw thrown
			}
		}
		const connection = await this.connect({ peerId, addresses: this.#addresses.get(peerId) ?? [] }, signal)
		return this.openOn(connection, protocol, signal)
	}

	async openOn(connection: Connection, protocol: string, signal: AbortSignal = this.deadline()): Promise<JsonStream> {
		try {
			const stream = await connection.newStream(protocol, {
				signal,
				maxOutboundStreams: LIMITS.streamsPerProtocol,
				runOnLimitedConnection: true,
			})
			return new JsonStream(stream)
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

	#remember(member: { peerId: string; addresses: string[] }): void {
		if (member.addresses.length === 0) return
		this.#addresses.delete(member.peerId)
		this.#addresses.set(member.peerId, member.addresses)
		const oldest = this.#addresses.keys().next()
		if (this.#addresses.size > MAX_REMEMBERED && !oldest.done) this.#addresses.delete(oldest.value)
	}
}

/** Each address with the peer id that Noise must find behind it; what is no address is left out. */
function dialable(member: { peerId: string; addresses: string[] }): Multiaddr[] {
	const suffix = `/p2p/${peerIdFromString(member.peerId).toString()}`
	return member.addresses.flatMap((address) => {
		try {
			return [multiaddr(address.endsWith(suffix) ? address : `${address}${suffix}`)]
		} catch {
			// A member may be newer and announce a kind of address that this version does not know.
			return []
		}
	})
}

export function unreachable(peerId: string, cause: unknown, addresses: string[] = []): LatticeError {
	const reason = cause instanceof Error ? cause.message : String(cause)
	return new LatticeError(
		'HOST_UNREACHABLE',
		`The node ${peerId} does not answer; check that its agent runs and that this machine can reach it.`,
		{ peerId, addresses, reason, refused: isRefused(cause) },
		{ cause },
	)
}

/** At every address the other kernel said that nobody listens: the process is gone, where silence may be a cut link. */
function isRefused(cause: unknown): boolean {
	if (cause instanceof AggregateError) return cause.errors.length > 0 && cause.errors.every(isRefused)
	return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED'
}
