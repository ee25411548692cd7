import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { type Fingerprint, LatticeError } from '../../protocol/index.ts'
import type { DataCertificate } from './certificate.ts'
import { carriedBy } from './cut-off.ts'
import { decodeHeader, HEADER_BYTES, type Header, readExactly } from './header.ts'
import { pinOf, SOCKET_OPTIONS, TLS_OPTIONS } from './tls.ts'

export interface DataPortOptions {
	own: DataCertificate
	/** IP addresses; several are given the same port */
	hosts: string[]
	/** 0: any that is free */
	port: number
	/** who it is was not judged yet: the ticket and the certificate together say so */
	onConnection: (socket: TLSSocket, header: Header, pin: Fingerprint) => void
}

/** From the first byte to a whole header; a silent stranger holds nothing for longer. */
const HEADER_MS = 5_000
/** Connections that have not said what they want; members do within milliseconds. */
const MAX_STRANGERS = 256
const CANNOT_LISTEN = { EADDRINUSE: 'is taken', EADDRNOTAVAIL: 'is no address of this machine', EACCES: 'is reserved' }

/** Where other nodes connect. Whatever does not show a certificate and a header within seconds is closed without a word. */
export class DataPort {
	readonly #options: DataPortOptions
	readonly #servers: Server[] = []
	readonly #strangers = new Set<TLSSocket>()
	readonly #closing = new AbortController()
	#port = 0
	#listening: Promise<void> | null = null

	constructor(options: DataPortOptions) {
		this.#options = options
	}

	/** 0 while it does not listen */
	get port(): number {
		return this.#port
	}

	get hosts(): readonly string[] {
		return this.#options.hosts
	}

	/** Once: whoever asks again waits for the same. */
	listen(): Promise<void> {
		this.#listening ??= this.#listen()
		return this.#listening
	}

	async #listen(): Promise<void> {
		this.#port = this.#options.port
		try {
			for (const host of this.#options.hosts) await this.#listenOn(host)
		} catch (thrown) {
			this.close()
			throw thrown
		}
	}

	close(): void {
		this.#closing.abort(new Error('the data port closes'))
		for (const server of this.#servers.splice(0)) server.close()
		for (const socket of this.#strangers) socket.destroy()
		this.#port = 0
	}

	async #listenOn(host: string): Promise<void> {
		const { own } = this.#options
		const server = createServer({
			...TLS_OPTIONS,
			...SOCKET_OPTIONS,
			key: own.key,
			cert: own.certificate,
			requestCert: true,
			handshakeTimeout: HEADER_MS,
		})
		const carriers = new Map<string, Socket>()
		server.on('connection', (socket: Socket) => {
			const remote = remoteOf(socket)
			carriers.set(remote, socket)
			socket.once('close', () => carriers.delete(remote))
		})
		server.on('secureConnection', (socket) => {
			const carrier = carriers.get(remoteOf(socket))
			if (carrier) carriedBy(socket, carrier)
			void this.#accept(socket)
		})
		// Strangers who speak something else; there is nobody to tell.
		server.on('tlsClientError', (_error, socket) => socket.destroy())
		await new Promise<void>((resolve, reject) => {
			server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(host, this.#port, cause)))
			server.listen({ host, port: this.#port }, resolve)
		})
		this.#servers.push(server)
		const address = server.address()
		if (typeof address === 'object' && address !== null) this.#port = address.port
	}

	async #accept(socket: TLSSocket): Promise<void> {
		socket.on('error', () => socket.destroy())
		const pin = pinOf(socket)
		if (pin === null || this.#strangers.size >= MAX_STRANGERS) return void socket.destroy()
		this.#strangers.add(socket)
		try {
			const signal = AbortSignal.any([AbortSignal.timeout(HEADER_MS), this.#closing.signal])
			const header = decodeHeader(await readExactly(socket, HEADER_BYTES, signal))
			if (header === null) socket.destroy()
			else this.#options.onConnection(socket, header, pin)
		} catch {
			// It hung up or said nothing: nothing was promised to it.
			socket.destroy()
		} finally {
			this.#strangers.delete(socket)
		}
	}
}

function remoteOf({ remoteAddress, remotePort }: Socket): string {
	return `${remoteAddress} ${remotePort}`
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): LatticeError {
	const why = CANNOT_LISTEN[cause.code as keyof typeof CANNOT_LISTEN] ?? cause.message
	const code = cause.code === 'EADDRINUSE' ? 'PORT_TAKEN' : 'INVALID_INPUT'
	const sentence = `The data port cannot listen: ${host}:${port} ${why}; choose another --data-port.`
	return new LatticeError(code, sentence, { host, port }, { cause })
}
