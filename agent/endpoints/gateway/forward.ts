import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EndpointPath } from '../../protocol/index.ts'
import type { Balancer } from './balancer.ts'
import { bodyOf, type RequestFacts, requestHead, responseHeaders, targetOf } from './headers.ts'
import { GATEWAY_LIMITS, type Slots } from './limits.ts'
import { PAGES, type Page, pageOf, sendPage } from './pages.ts'
import type { ResponseHead } from './response-reader.ts'
import type { Backend } from './table.ts'
import { type ExchangeSink, UpstreamConnection, type UpstreamPool } from './upstream.ts'

export interface ForwardModules {
	balancer: Balancer
	pool: UpstreamPool
	slots: Slots
	onPath: (key: string, path: EndpointPath) => void
	/** takes the client's socket and the replica's stream once both speak another protocol */
	onUpgrade: (exchange: Exchange, head: ResponseHead, rest: Buffer) => void
}

/** Asked twice it does the same as once (RFC 9110, 9.2.2): may be sent again when a kept connection was closed just then. */
const REPEATABLE = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
/** A body cannot be sent twice, so it goes over a connection that was in use until just now, or over a new one. */
const FRESH_MS = 1_000

/** One request of a client and its answer. The body goes both ways as it comes; nothing is kept but what a socket buffers. */
export class Exchange implements ExchangeSink {
	readonly request: IncomingMessage
	readonly response: ServerResponse
	readonly key: string
	readonly #modules: ForwardModules
	readonly #facts: RequestFacts
	#isGone = false
	/** ends a dial under way */
	#dialling: AbortController | null = null
	#connection: UpstreamConnection | null = null
	#release: (() => void) | null = null
	#isSent: boolean
	#repeated = false
	#stalled: NodeJS.Timeout | null = null

	/** null when the request cannot be passed on; it is answered then. */
	static begin(
		modules: ForwardModules,
		route: { key: string; workloadId: string },
		request: IncomingMessage,
		response: ServerResponse,
		upgrade: string | null = null,
	): Exchange | null {
		// It left while its route was looked for: nobody would give its slot back.
		if (response.destroyed) return null
		const target = targetOf(request)
		if (target === null) {
			sendPage(request, response, PAGES.badRequest)
			return null
		}
		const slot = modules.slots.take(route.workloadId)
		if (slot === null) {
			sendPage(request, response, PAGES.busy)
			return null
		}
		const facts = { ...target, upgrade, body: upgrade === null ? bodyOf(request) : null }
		const exchange = new Exchange(modules, route.key, facts, request, response)
		response.once('close', () => {
			slot()
			exchange.#onClientGone()
		})
		exchange.#start()
		return exchange
	}

	private constructor(
		modules: ForwardModules,
		key: string,
		facts: RequestFacts,
		request: IncomingMessage,
		response: ServerResponse,
	) {
		this.#modules = modules
		this.key = key
		this.#facts = facts
		this.request = request
		this.response = response
		this.#isSent = facts.body === null
		response.on('drain', () => this.#onClientDrain())
	}

	get upgrade(): string | null {
		return this.#facts.upgrade
	}

	/** The connection to the replica, for whoever goes on with its bytes; its replica counts until `release`. */
	takeOver(): { connection: UpstreamConnection; release: () => void } | null {
		const connection = this.#connection
		const release = this.#release
		this.#connection = null
		this.#release = null
		return connection && release && { connection, release }
	}

	onHead(head: ResponseHead): void {
		const headers = responseHeaders(head)
		// What is left of the body would be taken for the next request.
		if (!this.#isSent) headers.push('Connection', 'close')
		try {
			this.response.writeHead(head.status, head.message, headers)
		} catch {
			// A name or value that no HTTP message may have.
			this.#fail(PAGES.brokenAnswer)
		}
	}

	onBody(chunk: Buffer): void {
		// It was answered otherwise: what is left of this answer is nobody's.
		if (this.#connection === null) return
		if (this.response.write(chunk)) return
		this.#connection?.pause()
		this.#stalled ??= setTimeout(() => this.response.destroy(), GATEWAY_LIMITS.stalledMs)
	}

	onEnd(reusable: boolean): void {
		const connection = this.#connection
		this.#settle()
		this.response.end()
		if (connection === null) return
		if (reusable && this.#isSent) this.#modules.pool.keep(this.key, connection)
		else connection.destroy()
	}

	onUpgrade(head: ResponseHead, rest: Buffer): void {
		if (this.#facts.upgrade === null) this.#fail(PAGES.brokenAnswer)
		else this.#modules.onUpgrade(this, head, rest)
	}

	onBroken(untouched: boolean): void {
		const connection = this.#connection
		this.#settle()
		if (this.response.destroyed) return
		const isRepeatable = REPEATABLE.has(this.request.method ?? '') && this.#facts.body === null
		if (untouched && connection?.used && isRepeatable && !this.#repeated) {
			this.#repeated = true
			void this.#dial()
			return
		}
		sendPage(this.request, this.response, PAGES.brokenAnswer)
	}

	onDrain(): void {
		this.request.resume()
	}

	#start(): void {
		const { balancer, pool } = this.#modules
		const backend = balancer.choose(this.key)
		const kept = backend && this.#takeKept(pool, backend)
		if (kept && backend) this.#send(kept, balancer.use(this.key, backend))
		else void this.#dial()
	}

	#takeKept(pool: UpstreamPool, backend: Backend): UpstreamConnection | null {
		if (this.#facts.upgrade !== null) return null
		return pool.take(this.key, backend, this.#facts.body === null ? undefined : FRESH_MS)
	}

	async #dial(): Promise<void> {
		const { balancer, onPath } = this.#modules
		const dialling = new AbortController()
		this.#dialling = dialling
		try {
			const { stream, backend, path, release } = await balancer.dial(this.key, dialling.signal)
			onPath(this.key, path)
			const connection = new UpstreamConnection(stream, backend)
			if (this.#isGone) {
				release()
				connection.destroy()
			} else this.#send(connection, release)
		} catch (thrown) {
			if (!this.#isGone) sendPage(this.request, this.response, pageOf(thrown))
		}
	}

	#send(connection: UpstreamConnection, release: () => void): void {
		this.#connection = connection
		this.#release = release
		connection.begin(this.request.method ?? 'GET', requestHead(this.request, this.#facts), this)
		if (!this.#isSent) this.#sendBody(connection)
	}

	#sendBody(connection: UpstreamConnection): void {
		const { request } = this
		const isChunked = this.#facts.body?.length === null
		const { socket } = request
		socket.setTimeout(GATEWAY_LIMITS.stalledMs)
		socket.once('timeout', onStall)
		request.on('data', (chunk: Buffer) => {
			if (isChunked) connection.write(`${chunk.length.toString(16)}\r\n`)
			const more = connection.write(chunk)
			if (isChunked) connection.write('\r\n')
			if (!more) request.pause()
		})
		request.once('end', () => {
			if (isChunked) connection.write('0\r\n\r\n')
			this.#isSent = true
			socket.off('timeout', onStall)
			// An answer may take as long as it wants.
			socket.setTimeout(0)
		})
		function onStall() {
			socket.destroy()
		}
	}

	#onClientDrain(): void {
		if (this.#stalled) clearTimeout(this.#stalled)
		this.#stalled = null
		this.#connection?.resume()
	}

	/** Before the end of the answer: nobody waits for the rest of it. */
	#onClientGone(): void {
		this.#isGone = true
		this.#dialling?.abort()
		const connection = this.#connection
		this.#settle()
		connection?.destroy()
	}

	#fail(page: Page): void {
		const connection = this.#connection
		this.#settle()
		connection?.destroy()
		sendPage(this.request, this.response, page)
	}

	#settle(): void {
		if (this.#stalled) clearTimeout(this.#stalled)
		this.#stalled = null
		this.#release?.()
		this.#release = null
		this.#connection = null
	}
}
