import type { Duplex } from 'node:stream'
import { DialGranted, DialRequest, LatticeError, PROTOCOL, ReadyPromised, ReadyRequest } from '../protocol/index.ts'
import { type Caller, type Ground, serve, serveStreams } from './door.ts'
import type { DialService } from './peer.ts'
import type { Reach } from './reach.ts'
import { answer, ask } from './reply.ts'
import { StreamDuplex } from './stream-duplex.ts'

/** The data plane's side of the mesh: the right to connect, connections kept ready, and bytes where no better path is. */
export class Dials {
	readonly #ground: Ground
	readonly #reach: Reach
	readonly #timeoutMs: number
	service: DialService | null = null

	constructor(ground: Ground, reach: Reach, timeoutMs: number) {
		this.#ground = ground
		this.#reach = reach
		this.#timeoutMs = timeoutMs
	}

	async serve(): Promise<void> {
		await serve(this.#ground, PROTOCOL.dial, 'peers', (stream, caller) =>
			answer(stream, DialRequest, this.#ground, (request) => this.#serving.dial(request, claimsOf(caller))),
		)
		await serve(this.#ground, PROTOCOL.ready, 'peers', (stream, caller) =>
			answer(stream, ReadyRequest, this.#ground, (request) => {
				const remoteAddress = caller.connection.remoteAddr.toString()
				return this.#serving.ready(request, { from: claimsOf(caller), remoteAddress })
			}),
		)
		await serveStreams(this.#ground, PROTOCOL.data, 'peers', (stream) => {
			const duplex = new StreamDuplex(stream)
			return async (caller) =>
				this.#serving.data(duplex, { from: claimsOf(caller), relayed: !caller.connection.direct })
		})
	}

	async grant(peerId: string, request: DialRequest, signal?: AbortSignal): Promise<DialGranted> {
		const stream = await this.#reach.open(peerId, PROTOCOL.dial, this.#reach.deadline(signal))
		return ask(stream, request, DialGranted, this.#timeoutMs)
	}

	async askReady(peerId: string, request: ReadyRequest, signal?: AbortSignal): Promise<ReadyPromised> {
		const stream = await this.#reach.open(peerId, PROTOCOL.ready, this.#reach.deadline(signal))
		return ask(stream, request, ReadyPromised, this.#timeoutMs)
	}

	async open(peerId: string, signal?: AbortSignal): Promise<Duplex> {
		return new StreamDuplex(await this.#reach.openStream(peerId, PROTOCOL.data, this.#reach.deadline(signal)))
	}

	get #serving(): DialService {
		if (this.service !== null) return this.service
		throw new LatticeError('NOT_READY', 'This node opens no connections to workloads yet; try again.')
	}
}

/** Never null: the audience is those who were admitted. */
function claimsOf({ claims }: Caller) {
	if (claims === null) throw new LatticeError('UNAUTHENTICATED', 'Show a certificate first.')
	return claims
}
