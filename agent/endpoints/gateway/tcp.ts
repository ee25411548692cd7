import type { Socket } from 'node:net'
import type { EndpointPath } from '../../protocol/index.ts'
import { LatticeError } from '../../protocol/index.ts'
import { cutOff } from '../data/cut-off.ts'
import type { Balancer } from './balancer.ts'
import { carry } from './carry.ts'
import type { Slots } from './limits.ts'

/** Found by the operating system within minutes when the other side has vanished; idle connections live for hours. */
const KEEP_ALIVE_MS = 60_000

export interface TcpModules {
	balancer: Balancer
	slots: Slots
	/** how a connection of this route travelled */
	onPath: (key: string, path: EndpointPath) => void
	log: { debug(facts: object, message: string): void }
}

/** One client connection, given to a replica byte for byte. What cannot be served is closed: TCP has no words for it. */
export async function serveTcp(
	modules: TcpModules,
	route: { key: string; workloadId: string },
	socket: Socket,
): Promise<void> {
	const { balancer, slots, onPath, log } = modules
	const gone = new AbortController()
	const onGone = () => gone.abort()
	socket.once('close', onGone)
	// Before the splice listens: a client that leaves while it waits is no failure of ours.
	socket.on('error', onGone)
	const slot = slots.take(route.workloadId)
	if (!slot) {
		log.debug({ workload: route.workloadId }, 'a workload holds all connections it may')
		cutOff(socket)
		return
	}
	try {
		socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS)
		const { stream, path, release } = await balancer.dial(route.key, gone.signal)
		try {
			onPath(route.key, path)
			if (socket.destroyed) stream.destroy()
			else await carry(socket, stream)
		} finally {
			release()
		}
	} catch (thrown) {
		if (!gone.signal.aborted) {
			const { code, message } = LatticeError.from(thrown)
			log.debug({ workload: route.workloadId, code, reason: message }, 'a connection could not be served')
		}
		cutOff(socket)
	} finally {
		socket.off('close', onGone)
		slot()
	}
}
