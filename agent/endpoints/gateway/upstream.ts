import type { Duplex } from 'node:stream'
import { ResponseReader, type ResponseSink } from './response-reader.ts'
import type { Backend } from './table.ts'

/** Kept without a request; services that close idle connections do so after 5 s or more (Node's default is the shortest). */
const IDLE_MS = 4_000
/** Idle ones for one replica; what is over is closed after its answer. */
const MAX_IDLE = 64

export interface ExchangeSink extends ResponseSink {
	/** it broke before the answer was whole; `untouched`: not one byte of the answer had come */
	onBroken(untouched: boolean): void
	onDrain(): void
}

/** One connection to a replica: one request at a time, one after the other. */
export class UpstreamConnection {
	readonly backend: Backend
	readonly #stream: Duplex
	#reader: ResponseReader | null = null
	#sink: ExchangeSink | null = null
	#touched = false
	idleSince = 0
	/** it carried a request before */
	used = false
	onGone: (() => void) | null = null

	constructor(stream: Duplex, backend: Backend) {
		this.backend = backend
		this.#stream = stream
		stream.on('data', (chunk: Buffer) => this.#onData(chunk))
		stream.on('end', () => this.#onEnd())
		stream.on('drain', () => this.#sink?.onDrain())
		stream.on('error', () => this.#break())
		stream.on('close', () => this.#break())
	}

	get isOpen(): boolean {
		return !this.#stream.destroyed && this.#stream.writable && !this.#stream.readableEnded
	}

	begin(method: string, head: string, sink: ExchangeSink): void {
		this.#sink = sink
		this.#touched = false
		this.#reader = new ResponseReader(method, sink)
		this.#stream.write(head, 'latin1')
	}

	/** False: wait for `onDrain`. */
	write(chunk: Buffer | string): boolean {
		return this.#stream.write(chunk)
	}

	pause(): void {
		this.#stream.pause()
	}

	resume(): void {
		this.#stream.resume()
	}

	/** The answer is whole. */
	rest(): void {
		this.#sink = null
		this.#reader = null
		this.used = true
		this.idleSince = Date.now()
	}

	/** From now on its bytes belong to someone else. */
	detach(): Duplex {
		this.#sink = null
		this.#stream.removeAllListeners('data').removeAllListeners('end').removeAllListeners('drain')
		this.#stream.pause()
		return this.#stream
	}

	destroy(): void {
		this.#stream.destroy()
	}

	#onData(chunk: Buffer): void {
		if (this.#reader === null) {
			// Nobody asked: whatever it is, the next answer could not be told from it.
			this.destroy()
			return
		}
		this.#touched = true
		try {
			this.#reader.push(chunk)
		} catch {
			// What it said is no HTTP: the sink says so to the client.
			this.#break()
		}
	}

	#onEnd(): void {
		try {
			this.#reader?.end()
		} catch {
			this.#break()
		}
		this.destroy()
	}

	#break(): void {
		const sink = this.#sink
		this.#sink = null
		this.#stream.destroy()
		this.onGone?.()
		sink?.onBroken(!this.#touched)
	}
}

/** Connections that wait for their next request, by route and replica. */
export class UpstreamPool {
	readonly #idle = new Map<string, UpstreamConnection[]>()
	readonly #sweeper = setInterval(() => this.#sweep(), IDLE_MS / 4).unref()

	/** The one used last, if it has not waited longer than `maxIdleMs`. */
	take(key: string, backend: Backend, maxIdleMs = IDLE_MS): UpstreamConnection | null {
		const idle = this.#idle.get(idOf(key, backend))
		for (let last = idle?.pop(); last !== undefined; last = idle?.pop()) {
			if (last.isOpen && Date.now() - last.idleSince <= maxIdleMs) return last
			last.destroy()
		}
		return null
	}

	keep(key: string, connection: UpstreamConnection): void {
		const id = idOf(key, connection.backend)
		const idle = this.#idle.get(id) ?? []
		this.#idle.set(id, idle)
		if (!connection.isOpen || idle.length >= MAX_IDLE) {
			connection.destroy()
			return
		}
		connection.rest()
		connection.onGone = () => {
			const at = idle.indexOf(connection)
			if (at >= 0) idle.splice(at, 1)
			if (idle.length === 0) this.#idle.delete(id)
		}
		idle.push(connection)
	}

	close(): void {
		clearInterval(this.#sweeper)
		for (const idle of [...this.#idle.values()]) for (const connection of [...idle]) connection.destroy()
		this.#idle.clear()
	}

	#sweep(): void {
		const limit = Date.now() - IDLE_MS
		for (const idle of [...this.#idle.values()]) {
			for (const connection of idle.filter(({ idleSince }) => idleSince < limit)) connection.destroy()
		}
	}
}

function idOf(key: string, { peerId, replica }: Backend): string {
	return `${key}|${peerId}|${replica}`
}
