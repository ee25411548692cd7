import { createServer, type Server, type Socket } from 'node:net'

export interface Listening {
	port: number
	/** no new connections; those that are open go on unless `hard` */
	close(hard: boolean): void
}

/** A listener on exactly this port; null when something else has it. */
export function listenOn(
	address: string,
	port: number,
	onConnection: (socket: Socket) => void,
): Promise<Listening | null> {
	return new Promise((resolve, reject) => {
		const sockets = new Set<Socket>()
		const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
			sockets.add(socket)
			socket.once('close', () => sockets.delete(socket))
			onConnection(socket)
		})
		server.once('error', (error: NodeJS.ErrnoException) => {
			if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null)
			else reject(error)
		})
		server.listen({ host: address, port, exclusive: true, backlog: 1024 }, () => {
			resolve({
				port,
				close(hard) {
					server.close()
					if (hard) for (const socket of sockets) socket.destroy()
				},
			})
		})
	})
}

/**
 * Ports of the range in the order in which this route tries them. They begin at a place that follows from the route, so
 * that several gateways mostly give it the same port, and those who keep it in a configuration can change the host alone.
 */
export function* candidatePorts(range: PortRange, key: string, taken: ReadonlySet<number>): Generator<number> {
	const span = range.to - range.from + 1
	const first = hash(key) % span
	for (let step = 0; step < span; step++) {
		const port = range.from + ((first + step) % span)
		if (!taken.has(port)) yield port
	}
}

export interface PortRange {
	from: number
	to: number
}

/** FNV-1a, 32 bits: spreads, and is the same on every node. */
function hash(text: string): number {
	let value = 0x811c9dc5
	for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
	return value >>> 0
}
