import type { TLSSocket } from 'node:tls'
import type { MembershipClaims } from '../../identity/index.ts'
import {
	LatticeError,
	LIMITS,
	type ReadyPromised,
	type ReadyRequest,
	type SocketAddress,
} from '../../protocol/index.ts'
import type { DataCertificate } from './certificate.ts'
import type { DialHost } from './dial-host.ts'
import { decodeHeader, encodeHeader, HEADER_BYTES, readExactly } from './header.ts'
import type { Leases } from './leases.ts'
import { mayDial } from './may-dial.ts'
import { race } from './race.ts'
import { dialTls } from './tls.ts'

export interface ReadyDialerModules {
	own: DataCertificate
	leases: Pick<Leases, 'has'>
	host: Pick<DialHost, 'open'>
	log: { debug(facts: object, message: string): void }
}

const DIAL_MS = 4_000
const STAGGER_MS = 100
/** Handshakes under way for one request: each takes a millisecond of both sides' processors. */
const WIDTH = 16

/** The host's side of `ready`: it dials the peer that asked, and waits there for connections to be opened. */
export class ReadyDialer {
	readonly #modules: ReadyDialerModules
	readonly #closing = new AbortController()
	/** by peer: idle and being dialled */
	readonly #held = new Map<string, number>()

	constructor(modules: ReadyDialerModules) {
		this.#modules = modules
	}

	/**
	 * Answered before anything is dialled, so that the answer tells nothing of what an address does. Only who may connect
	 * to something here is dialled, never this machine itself, and nothing is sent before the pinned certificate is seen.
	 */
	ready(
		request: ReadyRequest,
		{ from, remoteAddress }: { from: MembershipClaims; remoteAddress: string },
	): ReadyPromised {
		if (!this.#modules.leases.has(from.peerId, request.certificate)) {
			throw new LatticeError(
				'FORBIDDEN',
				'Ask for a workload first: connections are kept ready for those who may dial.',
			)
		}
		const addresses = request.addresses.filter((address) => mayDial(address, remoteAddress))
		const room = LIMITS.readyConnections - (this.#held.get(from.peerId) ?? 0)
		const count = addresses.length === 0 ? 0 : Math.max(0, Math.min(request.count, room))
		void this.#dialAll({ ...request, addresses, count }, from.peerId)
		return { count }
	}

	close(): void {
		this.#closing.abort(new Error('the agent stops'))
	}

	/** The first finds the address that works; the rest go straight there. */
	async #dialAll(request: ReadyRequest, peerId: string): Promise<void> {
		if (request.count === 0) return
		this.#hold(peerId, request.count)
		let left = request.count
		try {
			const { address, socket } = await this.#dialFirst(request)
			left -= 1
			void this.#wait(socket, request, peerId)
			const workers = Array.from({ length: Math.min(WIDTH, left) }, async () => {
				while (left > 0) {
					left -= 1
					try {
						void this.#wait(await this.#dial(address, request, this.#closing.signal), request, peerId)
					} catch (thrown) {
						this.#hold(peerId, -1)
						throw thrown
					}
				}
			})
			await Promise.all(workers)
		} catch (thrown) {
			this.#modules.log.debug({ peer: peerId, err: thrown }, 'no connection could be made ready')
		} finally {
			this.#hold(peerId, -left)
			left = 0
		}
	}

	#dialFirst(request: ReadyRequest): Promise<{ address: SocketAddress; socket: TLSSocket }> {
		const runners = request.addresses.map((address, index) => ({
			afterMs: index * STAGGER_MS,
			run: async (signal: AbortSignal) => ({ address, socket: await this.#dial(address, request, signal) }),
		}))
		return race(runners, this.#closing.signal, ({ socket }) => socket.destroy())
	}

	async #dial(address: SocketAddress, request: ReadyRequest, signal: AbortSignal): Promise<TLSSocket> {
		const within = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)])
		return dialTls(address, { own: this.#modules.own, pinned: request.certificate, signal: within })
	}

	/** Until it is used or closed, which may be hours. */
	async #wait(socket: TLSSocket, { ticket, certificate }: ReadyRequest, peerId: string): Promise<void> {
		socket.on('error', () => socket.destroy())
		try {
			socket.write(encodeHeader({ kind: 'ready', ticket }))
			const header = decodeHeader(await readExactly(socket, HEADER_BYTES, this.#closing.signal))
			if (header?.kind === 'open') void this.#modules.host.open(socket, header, { certificate }, 'ready')
			else socket.destroy()
		} catch {
			// Closed unused: the other side has enough of them, or is gone.
			socket.destroy()
		} finally {
			this.#hold(peerId, -1)
		}
	}

	#hold(peerId: string, change: number): void {
		const held = (this.#held.get(peerId) ?? 0) + change
		if (held > 0) this.#held.set(peerId, held)
		else this.#held.delete(peerId)
	}
}
