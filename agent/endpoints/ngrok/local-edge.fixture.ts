import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { MuxServer, type MuxStream } from './muxado.fixture.ts'

const REQUEST = { auth: 0, bind: 1, unbind: 2, proxy: 3, serverInfo: 8, heartbeat: 0xffffffff } as const

/** The edge of ngrok as far as its SDK needs one: takes one token, gives each tunnel a port of loopback. */
export class LocalEdge {
	readonly #server: Server
	readonly rootCas: string
	readonly #sessions = new Set<MuxServer>()
	/** public ends, by the id of the tunnel */
	readonly fronts = new Map<string, Server>()
	readonly #visitors = new Map<string, Set<Socket>>()
	/** the port of a tunnel stays when it is bound again, as its URL does at ngrok */
	readonly #ports = new Map<string, number>()
	readonly token = '2localEdgeTakesThisToken'
	authenticated = 0
	refuseTcp = false

	constructor(folder: string) {
		const files = { key: join(folder, 'edge.key'), cert: join(folder, 'edge.pem') }
		const extensions = ['subjectAltName=DNS:localhost', 'basicConstraints=critical,CA:FALSE']
		execFileSync('openssl', [
			...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
			...['-subj', '/CN=localhost', ...extensions.flatMap((extension) => ['-addext', extension])],
			...['-keyout', files.key, '-out', files.cert],
		])
		this.rootCas = files.cert
		this.#server = createServer({ key: readFileSync(files.key), cert: readFileSync(files.cert) }, (socket) => {
			const session: MuxServer = new MuxServer(socket, (type, stream) => this.#onStream(session, type, stream))
			this.#sessions.add(session)
			socket.on('close', () => this.#sessions.delete(session))
		})
	}

	async start(port = 0): Promise<string> {
		await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
		return `localhost:${(this.#server.address() as AddressInfo).port}`
	}

	/** As when the network breaks. */
	cut(): void {
		for (const session of this.#sessions) session.cut()
	}

	stop(): void {
		this.cut()
		for (const front of this.fronts.values()) front.close()
		this.#server.close()
	}

	#onStream(session: MuxServer, type: number, stream: MuxStream): void {
		if (type === REQUEST.heartbeat) {
			stream.on('data', (beat) => stream.write(beat))
			return
		}
		let text = ''
		const onData = (chunk: Buffer | null) => {
			text += chunk?.toString() ?? ''
			const request = parsed(text)
			if (request === null) return
			stream.off('data', onData)
			this.#answer(session, type, request)
				.then((answer) => stream.end(JSON.stringify(answer)))
				.catch((error: unknown) => stream.destroy(error instanceof Error ? error : new Error(String(error))))
		}
		stream.on('data', onData)
	}

	async #answer(session: MuxServer, type: number, request: Request): Promise<object> {
		if (type === REQUEST.auth) {
			const token = request.Extra?.AuthToken ?? ''
			if (token !== this.token) {
				const said = 'The authtoken you specified does not look like a proper ngrok tunnel authtoken.'
				return { Error: `${said}\nYour authtoken: ${token}\r\n\r\nERR_NGROK_105\r\n` }
			}
			this.authenticated += 1
			return { Version: '2', ClientId: 'client', Extra: { Version: 'local', Region: 'local' } }
		}
		if (type === REQUEST.bind) return this.#bind(session, request)
		if (type === REQUEST.unbind) {
			await this.#closeFront(request.Id ?? '')
		}
		return type === REQUEST.serverInfo ? { Region: 'local' } : {}
	}

	async #closeFront(id: string): Promise<void> {
		const front = this.fronts.get(id)
		this.fronts.delete(id)
		if (!front) return
		// Also those that came while no session was there to take them.
		for (const socket of this.#visitors.get(id) ?? []) socket.destroy()
		await new Promise((resolve) => front.close(resolve))
	}

	async #bind(session: MuxServer, { Id, Proto = 'http', Opts }: Request): Promise<object> {
		if (Proto === 'tcp' && this.refuseTcp) {
			return {
				Error: 'You must add a credit or debit card before you can use TCP endpoints.\r\n\r\nERR_NGROK_8013\r\n',
			}
		}
		const id = Id || `tunnel-${this.#ports.size + 1}`
		await this.#closeFront(id)
		const visitors = new Set<Socket>()
		this.#visitors.set(id, visitors)
		const front = createTcpServer((socket) => {
			visitors.add(socket)
			socket.on('close', () => visitors.delete(socket))
			const stream = session.open(REQUEST.proxy)
			const from = `127.0.0.1:${socket.remotePort}`
			const header = { Id: id, ClientAddr: from, Proto, EdgeType: Proto === 'tcp' ? '1' : '3', PassthroughTLS: false }
			const json = Buffer.from(JSON.stringify(header))
			const length = Buffer.alloc(8)
			length.writeBigInt64LE(BigInt(json.length))
			stream.write(Buffer.concat([length, json]))
			socket.on('error', () => stream.destroy())
			stream.on('close', () => socket.destroy())
			socket.pipe(stream).pipe(socket)
		})
		await new Promise<void>((resolve) => front.listen(this.#ports.get(id) ?? 0, '127.0.0.1', resolve))
		const { port } = front.address() as AddressInfo
		this.fronts.set(id, front)
		this.#ports.set(id, port)
		const URL = `${Proto === 'tcp' ? 'tcp' : 'http'}://127.0.0.1:${port}`
		return { Id: id, URL, Proto, Opts, BindOpts: Opts, Extra: { Token: 'again' } }
	}
}

interface Request {
	Id?: string
	Proto?: string
	Opts?: unknown
	Extra?: { AuthToken?: string }
}

/** null: there is more to come */
function parsed(text: string): Request | null {
	try {
		return JSON.parse(text) as Request
	} catch {
		return null
	}
}
