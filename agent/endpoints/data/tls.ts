import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket, type TlsOptions } from 'node:tls'
import type { Fingerprint, SocketAddress } from '../../protocol/index.ts'
import { type DataCertificate, fingerprintOf, TLS_VERSION } from './certificate.ts'
import { carriedBy } from './cut-off.ts'
import { SOCKET_HIGH_WATER_BYTES } from './splice.ts'

/** A peer that vanished without a word is noticed by the kernel; an idle connection itself has no end. */
export const KEEP_ALIVE_MS = 60_000

/**
 * TLS 1.3 with both certificates asked for. No authority signs them: whoever holds the connection compares the other
 * side's SHA-256 with the one that libp2p brought, before it sends or believes a byte.
 */
export const TLS_OPTIONS = {
	...TLS_VERSION,
	rejectUnauthorized: false,
} as const satisfies TlsOptions

export const SOCKET_OPTIONS = {
	allowHalfOpen: true,
	noDelay: true,
	keepAlive: true,
	keepAliveInitialDelay: KEEP_ALIVE_MS,
	highWaterMark: SOCKET_HIGH_WATER_BYTES,
} as const

/** null when it showed none */
export function pinOf(socket: TLSSocket): Fingerprint | null {
	const certificate = socket.getPeerX509Certificate()
	return certificate === undefined ? null : fingerprintOf(certificate.raw)
}

export interface DialOptions {
	own: DataCertificate
	/** what the other side must show */
	pinned: Fingerprint
	/**
	 * Of an earlier connection to the same certificate: spares the other side's certificate and a signature on each side.
	 * Only who held it then can resume it (RFC 8446, 2.2), so it proves the same.
	 */
	session?: Buffer | undefined
	onSession?: (session: Buffer) => void
	signal: AbortSignal
}

/** Resolves when the other side has shown the pinned certificate; else nothing was sent. */
export async function dialTls(address: SocketAddress, options: DialOptions): Promise<TLSSocket> {
	const { own, pinned, session, onSession, signal } = options
	const carrier = await dialTcp(address, signal)
	const socket = connectTls({
		...TLS_OPTIONS,
		socket: carrier,
		secureContext: own.context,
		...(session && { session }),
	})
	carriedBy(socket, carrier)
	if (onSession) socket.on('session', onSession)
	socket.on('error', () => socket.destroy())
	await settled(socket, 'secureConnect', signal)
	if (socket.isSessionReused() || pinOf(socket) === pinned) return socket
	socket.destroy()
	throw new Error('another certificate than the pinned one')
}

/** A TCP connection with the options that all of the data plane have. */
export async function dialTcp(
	{ host, port }: SocketAddress,
	signal: AbortSignal,
	onread?: OnReadOpts,
): Promise<Socket> {
	const socket = connectTcp({ host, port, ...SOCKET_OPTIONS, ...(onread && { onread }) })
	socket.on('error', () => socket.destroy())
	await settled(socket, 'connect', signal)
	return socket
}

/** Until it is connected; else it is destroyed. */
function settled(socket: Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		const end = (error?: Error) => {
			socket.off(event, onConnect).off('error', end).off('close', onClose)
			signal.removeEventListener('abort', onAbort)
			if (error === undefined) return resolve()
			socket.destroy()
			reject(error)
		}
		const onConnect = () => end()
		const onClose = () => end(new Error('it was closed before it was connected'))
		const onAbort = () => end(signal.reason)
		socket.on(event, onConnect).on('error', end).on('close', onClose)
		signal.addEventListener('abort', onAbort, { once: true })
		if (signal.aborted) onAbort()
	})
}
