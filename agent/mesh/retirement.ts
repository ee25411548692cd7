import { PROTOCOL } from '../protocol/index.ts'
import type { Connection } from './libp2p-types.ts'
import type { MeshLog } from './peer.ts'

const CHECK_MS = 1_000
/** Streams that are opened anew at once when they end; whatever else runs is somebody's work and is waited for. */
const RENEWED: ReadonlySet<string> = new Set([PROTOCOL.probe, PROTOCOL.snapshot, PROTOCOL.watch, PROTOCOL.admission])
const SERVICES = /^\/(meshsub|floodsub|ipfs\/(ping|id))\//

/** When two peers have found a direct way, the relayed connection ends as soon as nothing of value runs over it. */
export class Retirement {
	readonly #relayedOf: (peerId: string) => Connection[]
	readonly #log: MeshLog
	readonly #peers = new Set<string>()
	#timer: NodeJS.Timeout | undefined

	constructor(modules: { relayedOf: (peerId: string) => Connection[]; log: MeshLog }) {
		this.#relayedOf = modules.relayedOf
		this.#log = modules.log
	}

	admitted(connection: Connection): void {
		const peerId = connection.remotePeer.toString()
		if (!connection.direct || this.#relayedOf(peerId).length === 0) return
		this.#log.info({ peer: peerId, address: connection.remoteAddr.toString() }, 'a direct way was found')
		this.#peers.add(peerId)
		this.#timer ??= setInterval(() => this.#check(), CHECK_MS)
	}

	stop(): void {
		clearInterval(this.#timer)
		this.#timer = undefined
		this.#peers.clear()
	}

	#check(): void {
		for (const peerId of this.#peers) {
			const relayed = this.#relayedOf(peerId)
			if (relayed.length === 0) this.#peers.delete(peerId)
			for (const connection of relayed.filter(isIdle)) {
				connection.close().catch((thrown: unknown) => {
					this.#log.debug({ peer: peerId, err: thrown }, 'the relayed connection is cut')
					connection.abort(new Error('replaced by a direct one'))
				})
			}
		}
		if (this.#peers.size === 0) this.stop()
	}
}

function isIdle({ streams }: Connection): boolean {
	return streams.every(({ protocol }) => RENEWED.has(protocol) || SERVICES.test(protocol))
}
