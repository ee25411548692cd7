import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { LatticeError } from '../../protocol/index.ts'

export interface CertificateFiles {
	cert: string
	key: string
}

export interface TlsPortModules {
	/** the certificate of a name that has one of its own; null: the one of the files */
	contextOf: (host: string) => SecureContext | null
	onHttp: (socket: TLSSocket) => void
	/** `host` is what the client asked for in its TLS hello; null when it named none */
	onPostgres: (socket: TLSSocket, host: string | null) => void
	log: { warn(facts: object, message: string): void; debug(facts: object, message: string): void }
}

interface Taken {
	context: SecureContext
	certificate: X509Certificate
}

/** Shows nothing: a client that asks for a name without a certificate is refused in the handshake. */
const NONE = createSecureContext()

/** SSLRequest, the first bytes of a PostgreSQL client that wants TLS: https://www.postgresql.org/docs/17/protocol-message-formats.html */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
const TLS_HANDSHAKE = 0x16
const HELLO_MS = 10_000
/** Renewed files are taken up as soon. */
const RELOAD_MS = 60_000
const ALPN_POSTGRES = 'postgresql'

/** One port for what is encrypted: HTTPS, and PostgreSQL, told apart by its own first bytes or by ALPN. */
export class TlsPort {
	readonly #files: CertificateFiles | null
	readonly #modules: TlsPortModules
	readonly #server: Server
	readonly #sockets = new Set<Socket>()
	#loaded: string | null
	#taken: Taken | null
	#reload: NodeJS.Timeout | null = null

	/** INVALID_INPUT when the files are no certificate and its key. Without files only names with their own are served. */
	constructor(files: CertificateFiles | null, modules: TlsPortModules) {
		this.#files = files
		this.#modules = modules
		this.#loaded = files && stampOf(files)
		this.#taken = files && taken(files)
		this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#onSocket(socket))
	}

	listen(address: string, port: number): Promise<number> {
		this.#reload = setInterval(() => this.#takeUp(), RELOAD_MS).unref()
		return new Promise((resolve, reject) => {
			this.#server.once('error', (error: NodeJS.ErrnoException) => {
				const sentence = `--gateway-https: port ${port} on ${address} is taken; stop what uses it or give another.`
				reject(error.code === 'EADDRINUSE' ? new LatticeError('PORT_TAKEN', sentence, { port, host: address }) : error)
			})
			this.#server.listen({ host: address, port, exclusive: true, backlog: 1024 }, () => {
				const bound = this.#server.address()
				resolve(typeof bound === 'object' && bound !== null ? bound.port : port)
			})
		})
	}

	close(): void {
		if (this.#reload) clearInterval(this.#reload)
		this.#server.close()
		for (const socket of this.#sockets) socket.destroy()
	}

	/** Whether the certificate of the files is for this host name. */
	covers(host: string): boolean {
		return this.#taken?.certificate.checkHost(host) !== undefined
	}

	#onSocket(socket: Socket): void {
		this.#sockets.add(socket)
		socket.once('close', () => this.#sockets.delete(socket))
		socket.on('error', () => socket.destroy())
		socket.setTimeout(HELLO_MS, () => socket.destroy())
		socket.once('data', (first) => {
			socket.pause()
			// Exactly the request: what came with it was written before there was TLS, by whoever could (CVE-2021-23222).
			if (first.equals(SSL_REQUEST)) {
				socket.write('S')
				this.#secure(socket, true)
			} else if (first[0] === TLS_HANDSHAKE) {
				socket.unshift(first)
				this.#secure(socket, false)
			} else socket.destroy()
		})
	}

	#secure(socket: Socket, isPostgres: boolean): void {
		const secure = new TLSSocket(socket, {
			isServer: true,
			secureContext: this.#taken?.context ?? NONE,
			SNICallback: (host, answer) =>
				answer(null, this.#modules.contextOf(host.toLowerCase()) ?? this.#taken?.context ?? NONE),
			ALPNProtocols: isPostgres ? [ALPN_POSTGRES] : ['http/1.1', ALPN_POSTGRES],
		})
		secure.on('error', (error) => {
			this.#modules.log.debug({ reason: error.message }, 'a TLS connection broke')
			secure.destroy()
		})
		secure.once('secure', () => {
			socket.setTimeout(0)
			socket.removeAllListeners('timeout')
			// Node types `servername` of the server's side as a boolean or a string.
			const { servername } = secure as { servername?: unknown }
			const host = typeof servername === 'string' ? servername.toLowerCase() : null
			if (isPostgres || secure.alpnProtocol === ALPN_POSTGRES) this.#modules.onPostgres(secure, host)
			else this.#modules.onHttp(secure)
		})
	}

	#takeUp(): void {
		if (this.#files === null) return
		try {
			const stamp = stampOf(this.#files)
			if (stamp === this.#loaded) return
			this.#taken = taken(this.#files)
			this.#loaded = stamp
		} catch (thrown) {
			const { message } = LatticeError.from(thrown)
			this.#modules.log.warn({ reason: message }, 'the new certificate is not taken; the old one goes on')
		}
	}
}

function stampOf({ cert, key }: CertificateFiles): string {
	try {
		return [cert, key].map((file) => statSync(file).mtimeMs).join()
	} catch (cause) {
		throw unreadable(cause)
	}
}

function taken(files: CertificateFiles): Taken {
	try {
		const cert = readFileSync(files.cert)
		const context = createSecureContext({ cert, key: readFileSync(files.key), minVersion: 'TLSv1.2' })
		return { context, certificate: new X509Certificate(cert) }
	} catch (cause) {
		throw unreadable(cause)
	}
}

function unreadable(cause: unknown): LatticeError {
	const why = cause instanceof Error ? cause.message : String(cause)
	return new LatticeError(
		'INVALID_INPUT',
		`--gateway-tls-cert and --gateway-tls-key must be a PEM certificate chain and its key, readable by the agent (${why}).`,
		{},
		{ cause },
	)
}
