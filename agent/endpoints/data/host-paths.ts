import type { Duplex } from 'node:stream'
import { abortable } from '../../mesh/abortable.ts'
import type { Peer } from '../../mesh/index.ts'
import type { DialGranted, Fingerprint, SocketAddress } from '../../protocol/index.ts'
import type { DataPort } from './data-port.ts'
import type { Direct } from './direct.ts'
import {
	type Attempt,
	attempts,
	isKnown,
	unknownWays,
	WAYS,
	type Way,
	type WayRecords,
	worthRetrying,
} from './path-choice.ts'
import { race } from './race.ts'
import { ReadyPool } from './ready-pool.ts'
import { Slots } from './slots.ts'

/** A connection to the host on which nothing was asked for yet. */
export interface Carrier {
	stream: Duplex
	way: Way
}

export interface HostPathsModules {
	peerId: string
	own: Fingerprint
	peer: Pick<Peer, 'connected' | 'openData' | 'askReady'>
	direct: Direct
	/** where the host can dial this node; null when it cannot be dialled at all */
	port: DataPort | null
	/** of the own data port */
	addresses: (to: { isHere: boolean }) => SocketAddress[]
	log: { debug(facts: object, message: string): void }
}

/** Handshakes with one host: a burst of hundreds must not make each of them look like a way that does not work. */
const AT_ONCE = 32

/** All ways to one host, and what became of each. */
export class HostPaths {
	readonly #modules: HostPathsModules
	readonly #pool: ReadyPool
	#records: WayRecords = unknownWays()
	#granted: DialGranted | null = null
	readonly #slots = new Slots(AT_ONCE)
	/** the first to find a way finds it for all who come meanwhile */
	#scouting: Promise<void> | null = null

	constructor(modules: HostPathsModules) {
		this.#modules = modules
		this.#pool = new ReadyPool({ ask: (ticket, count) => this.#askReady(ticket, count) })
	}

	/** What the host shows on the data plane, as it said last. */
	get pinned(): Fingerprint | null {
		return this.#granted?.certificate ?? null
	}

	get pool(): ReadyPool {
		return this.#pool
	}

	/** The best connection there is, the sooner the better. */
	async connect(granted: DialGranted, signal: AbortSignal): Promise<Carrier> {
		// Another certificate is another process: what was ready is gone, and what failed may work.
		if (this.#granted !== null && this.#granted.certificate !== granted.certificate) this.reset()
		this.#granted = granted
		const inTurn = () => this.#slots.run(() => this.#race(granted, signal), signal)
		if (WAYS.some((way) => isKnown(this.#records[way]))) return inTurn()
		if (this.#scouting !== null) {
			await abortable(this.#scouting, signal)
			return inTurn()
		}
		const first = this.#race(granted, signal)
		const over = () => {
			this.#scouting = null
		}
		this.#scouting = first.then(over, over)
		return first
	}

	async #race(granted: DialGranted, signal: AbortSignal): Promise<Carrier> {
		const available = this.#available()
		const plan = attempts(this.#records, available, performance.now())
		const carrier = await race(
			plan.map((attempt) => this.#runner(attempt, granted)),
			signal,
			(late) => this.#spare(late),
		)
		for (const better of worthRetrying(this.#records, available, carrier.way, performance.now()))
			void this.#retry(better, granted)
		return carrier
	}

	/** The network changed: nothing that was found out counts any more. */
	reset(): void {
		this.#records = unknownWays()
	}

	/** The host is away: what it kept ready is of no use, though nothing says so yet. */
	lost(): void {
		this.reset()
		this.#pool.drop()
	}

	failed(way: Way): void {
		this.#records[way].failedAt = performance.now()
	}

	close(): void {
		this.#pool.close()
	}

	#available(): Way[] {
		return this.#modules.port === null ? ['direct', 'mesh'] : ['direct', 'ready', 'mesh']
	}

	#runner({ way, afterMs }: Attempt, granted: DialGranted) {
		return { afterMs, run: (signal: AbortSignal) => this.#attempt(way, granted, signal) }
	}

	async #attempt(way: Way, granted: DialGranted, signal: AbortSignal): Promise<Carrier> {
		try {
			const stream = await this.#open(way, granted, signal)
			this.#records[way] = { workedAt: performance.now(), failedAt: null }
			return { stream, way }
		} catch (thrown) {
			// One that lost a race has not failed.
			if (!signal.aborted) {
				this.failed(way)
				this.#modules.log.debug({ peer: this.#modules.peerId, way, err: thrown }, 'this way to the host does not work')
			}
			throw thrown
		}
	}

	#open(way: Way, granted: DialGranted, signal: AbortSignal): Promise<Duplex> {
		const { peerId, peer, direct } = this.#modules
		switch (way) {
			case 'direct':
				return direct.dial(peerId, granted, this.#hint(), signal)
			case 'ready':
				return this.#pool.take(signal)
			case 'mesh':
				return peer.openData(peerId, { signal })
		}
	}

	async #retry(way: Way, granted: DialGranted): Promise<void> {
		// Before it is known: who connects meanwhile does not try it too.
		this.failed(way)
		try {
			this.#spare(await this.#attempt(way, granted, new AbortController().signal))
		} catch {
			// As before; #attempt has written it down.
		}
	}

	#spare({ stream, way }: Carrier): void {
		if (way === 'ready' && 'getPeerX509Certificate' in stream)
			this.#pool.keep(stream as Parameters<ReadyPool['keep']>[0])
		else stream.destroy()
	}

	async #askReady(ticket: string, count: number): Promise<number> {
		const { peerId, own, peer, port, addresses } = this.#modules
		if (port === null) throw new Error('this node cannot be dialled')
		await port.listen()
		const isHere = /^\/ip4\/127\.|^\/ip6\/::1\//.test(this.#connection()?.remoteAddress ?? '')
		const request = { ticket, count, certificate: own, addresses: addresses({ isHere }) }
		return (await peer.askReady(peerId, request)).count
	}

	/** The address by which this node reaches the host already. */
	#hint(): string | null {
		const connection = this.#connection()
		if (!connection || connection.relayed || connection.direction !== 'outbound') return null
		return /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\//.exec(connection.remoteAddress)?.[1] ?? null
	}

	#connection() {
		return this.#modules.peer.connected().find(({ peerId }) => peerId === this.#modules.peerId)
	}
}
