import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'

/** TLS → the TCP connection beneath it */
const carriers = new WeakMap<TLSSocket, Socket>()

/** So that `cutOff` can reset it: Node's TLS sockets cannot be. */
export function carriedBy(tls: TLSSocket, socket: Socket): void {
	carriers.set(tls, socket)
}

/**
 * Ends a connection so that the other side knows that it was broken: by a reset. `destroy` alone would look like its
 * regular end there, and half a file like a whole one.
 */
export function cutOff(stream: Duplex): void {
	if (stream.destroyed) return
	const socket = stream instanceof TLSSocket ? carriers.get(stream) : stream
	if (socket instanceof Socket && !(socket instanceof TLSSocket) && !socket.destroyed) socket.resetAndDestroy()
	stream.destroy()
}
