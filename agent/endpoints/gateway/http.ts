import { createServer, type IncomingMessage, type Server, ServerResponse, STATUS_CODES } from 'node:http'
import type { Server as NetServer, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type EndpointPath, LatticeError } from '../../protocol/index.ts'
import type { Balancer } from './balancer.ts'
import { carry } from './carry.ts'
import { Exchange, type ForwardModules } from './forward.ts'
import { responseHeaders } from './headers.ts'
import { GATEWAY_LIMITS, type Slots } from './limits.ts'
import { hostOf } from './names.ts'
import { PAGES, sendPage } from './pages.ts'
import type { ResponseHead } from './response-reader.ts'
import { UpstreamPool } from './upstream.ts'

export interface RouteRef {
	key: string
	workloadId: string
}

export interface HttpModules {
	balancer: Balancer
	slots: Slots
	onPath: (key: string, path: EndpointPath) => void
	/** the route of a host name; waits while a gateway that has just started may still hear of it */
	byHost: (host: string) => Promise<RouteRef | null> | RouteRef | null
	/** the answer to what is asked to see where a name leads, by a gateway itself or an ACME server; null: it is no such thing */
	check: (path: string, host: string | null) => string | null | Promise<string | null>
}

/** HTTP/1.1 and WebSocket, to workloads by host name on one port and by a port of their own; one server for all of them. */
export class HttpGateway {
	readonly #modules: HttpModules
	readonly #forward: ForwardModules
	readonly #pool = new UpstreamPool()
	readonly #server: Server
	/** sockets that speak another protocol by now: the server has let go of them */
	readonly #upgraded = new Set<Socket>()
	/** sockets that came in at a workload's own port */
	readonly #bound = new WeakMap<Duplex, RouteRef>()

	constructor(modules: HttpModules) {
		this.#modules = modules
		const { balancer, slots, onPath } = modules
		this.#forward = { balancer, slots, onPath, pool: this.#pool, onUpgrade }
		this.#server = createServer(
			{
				maxHeaderSize: GATEWAY_LIMITS.headerBytes,
				headersTimeout: GATEWAY_LIMITS.headersMs,
				// Large uploads take their time; one that stands still is ended (Exchange).
				requestTimeout: 0,
				keepAliveTimeout: GATEWAY_LIMITS.keepAliveMs,
				connectionsCheckingInterval: 5_000,
				noDelay: true,
			},
			(request, response) => this.#onRequest(request, response),
		)
		this.#server.maxConnections = GATEWAY_LIMITS.httpConnections
		this.#server.on('upgrade', (request, socket, head) => void this.#onUpgrade(request, socket as Socket, head))
	}

	/** The port of the host names. PORT_TAKEN when something else has it. */
	listen(address: string, port: number): Promise<number> {
		return new Promise((resolve, reject) => {
			this.#server.once('error', (error: NodeJS.ErrnoException) =>
				reject(
					error.code === 'EADDRINUSE'
						? new LatticeError(
								'PORT_TAKEN',
								`--gateway-http: port ${port} on ${address} is taken; stop what uses it or give another.`,
								{ port, host: address },
							)
						: error,
				),
			)
			this.#server.listen({ host: address, port, exclusive: true, backlog: 1024 }, () => {
				const bound = (this.#server as NetServer).address()
				resolve(typeof bound === 'object' && bound !== null ? bound.port : port)
			})
		})
	}

	/** A connection whose TLS has been taken off: its host name says for which workload it is. */
	acceptNamed(socket: Socket): void {
		this.#server.emit('connection', socket)
	}

	/** A connection at the own port of a workload: whatever host name it asks for, it is for that workload. */
	accept(socket: Socket, route: RouteRef): void {
		this.#bound.set(socket, route)
		this.#server.emit('connection', socket)
	}

	async close(): Promise<void> {
		this.#pool.close()
		await new Promise<void>((resolve) => {
			this.#server.close(() => resolve())
			this.#server.closeAllConnections()
			for (const socket of this.#upgraded) socket.destroy()
		})
	}

	#onRequest(request: IncomingMessage, response: ServerResponse): void {
		const check = this.#modules.check(request.url ?? '', hostOf(request.headers.host))
		if (check instanceof Promise) void check.then((found) => this.#afterCheck(found, request, response))
		else this.#afterCheck(check, request, response)
	}

	#afterCheck(check: string | null, request: IncomingMessage, response: ServerResponse): void {
		if (check !== null) {
			response.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-store' }).end(check)
			return
		}
		const bound = this.#bound.get(request.socket)
		const route = bound ?? this.#byHost(request)
		if (route instanceof Promise) void route.then((found) => this.#begin(found, request, response))
		else this.#begin(route, request, response)
	}

	#begin(route: RouteRef | null, request: IncomingMessage, response: ServerResponse): void {
		if (route) Exchange.begin(this.#forward, route, request, response)
		else sendPage(request, response, PAGES.unknownHost(request.headers.host ?? ''))
	}

	async #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
		this.#upgraded.add(socket)
		socket.once('close', () => this.#upgraded.delete(socket))
		// Until it is handed over: a client that leaves is no failure of ours.
		socket.on('error', () => socket.destroy())
		if (head.length > 0) socket.unshift(head)
		const response = new ServerResponse(request)
		response.shouldKeepAlive = false
		response.assignSocket(socket)
		response.once('finish', () => socket.end())
		const route = this.#bound.get(socket) ?? (await this.#byHost(request))
		if (route) Exchange.begin(this.#forward, route, request, response, request.headers.upgrade ?? null)
		else sendPage(request, response, PAGES.unknownHost(request.headers.host ?? ''))
	}

	#byHost(request: IncomingMessage): Promise<RouteRef | null> | RouteRef | null {
		const host = hostOf(request.headers.host)
		return host === null ? null : this.#modules.byHost(host)
	}
}

/** Both have agreed on another protocol: their bytes are their own from here on. */
function onUpgrade(exchange: Exchange, head: ResponseHead, rest: Buffer): void {
	const upstream = exchange.takeOver()
	const socket = exchange.request.socket
	if (upstream === null) {
		socket.destroy()
		return
	}
	const stream = upstream.connection.detach()
	exchange.response.detachSocket(socket)
	let text = `HTTP/1.1 ${head.status} ${head.message || STATUS_CODES[head.status]}\r\n`
	const headers = responseHeaders(head)
	for (let index = 0; index < headers.length; index += 2) text += `${headers[index]}: ${headers[index + 1]}\r\n`
	socket.write(`${text}Connection: Upgrade\r\nUpgrade: ${exchange.upgrade ?? ''}\r\n\r\n`, 'latin1')
	if (rest.length > 0) socket.write(rest)
	socket.setTimeout(0)
	void carry(socket, stream).finally(() => {
		upstream.release()
		exchange.response.emit('close')
	})
}
