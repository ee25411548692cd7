import { PROTOCOL, ProbeMessage } from '../protocol/index.ts'
import { type Ground, serve } from './door.ts'
import type { JsonStream } from './json-stream.ts'
import type { Receive } from './member-transport.ts'
import { Quota } from './quota.ts'
import type { Reach } from './reach.ts'

/** Of one peer: its own probes, those it carries, and the answers; a lattice that falls apart probes twenty times as much. */
const QUOTA = { perSecond: 200, burst: 1_000 }

/**
 * One stream a pair, kept open and used by both sides: opening one for each probe would cost more bytes than the probe.
 * When both open one at the same time there are two, and either serves.
 */
export class Probes {
	readonly #ground: Ground
	readonly #reach: Reach
	readonly #streams = new Map<string, JsonStream>()
	readonly #opening = new Map<string, Promise<JsonStream>>()
	readonly #quota = new Quota(QUOTA)
	receive: Receive | null = null

	constructor(ground: Ground, reach: Reach) {
		this.#ground = ground
		this.#reach = reach
	}

	async serve(): Promise<void> {
		await serve(this.#ground, PROTOCOL.probe, 'members', (stream, { peerId }) => this.#use(peerId, stream))
	}

	async send(to: { peerId: string; addresses: string[] }, message: ProbeMessage): Promise<void> {
		const stream = this.#streams.get(to.peerId) ?? (await this.#open(to))
		await stream.write(message)
	}

	#open(to: { peerId: string; addresses: string[] }): Promise<JsonStream> {
		const opening = this.#opening.get(to.peerId) ?? this.#begin(to).finally(() => this.#opening.delete(to.peerId))
		this.#opening.set(to.peerId, opening)
		return opening
	}

	async #begin(to: { peerId: string; addresses: string[] }): Promise<JsonStream> {
		const connection = await this.#reach.connect(to)
		const stream = await this.#reach.openOn(connection, PROTOCOL.probe)
		this.#use(to.peerId, stream).catch((thrown: unknown) => {
			this.#ground.log.debug({ peer: to.peerId, err: thrown }, 'the probe stream ended')
			stream.abort(thrown instanceof Error ? thrown : new Error('the probe stream ended'))
		})
		return stream
	}

	/** Until the stream ends. */
	async #use(peerId: string, stream: JsonStream): Promise<void> {
		this.#streams.set(peerId, stream)
		try {
			while (true) {
				const message = await stream.read(ProbeMessage)
				if (message === null) return
				if (!this.#quota.take(peerId)) {
					this.#ground.log.warn({ peer: peerId }, 'a member floods this node with probes; they are dropped')
				} else await this.receive?.(peerId, message)
			}
		} finally {
			if (this.#streams.get(peerId) === stream) this.#streams.delete(peerId)
		}
	}
}
