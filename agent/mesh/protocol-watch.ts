import { LatticeError, PROTOCOL, WatchFrame } from '../protocol/index.ts'
import { type Ground, serve } from './door.ts'
import type { WatchSource } from './peer.ts'
import { pump } from './pump.ts'
import { type Reach, unreachable } from './reach.ts'

/** A host's own truth, live. For nodes only: reports hold what all tenants ordered. */
export class Watch {
	readonly #ground: Ground
	readonly #reach: Reach
	source: WatchSource | null = null

	constructor(ground: Ground, reach: Reach) {
		this.#ground = ground
		this.#reach = reach
	}

	async serve(): Promise<void> {
		await serve(this.#ground, PROTOCOL.watch, 'members', async (stream) => {
			if (this.source === null) throw new LatticeError('NOT_READY', 'This node has nothing to watch.')
			await pump(this.source(stream.signal), stream, () => false)
			await stream.close()
		})
	}

	async *follow(peerId: string, signal: AbortSignal): AsyncGenerator<WatchFrame> {
		if (signal.aborted) return
		const stream = await this.#reach.open(peerId, PROTOCOL.watch, this.#reach.deadline(signal)).catch((thrown) => {
			if (signal.aborted) return null
			throw thrown
		})
		if (stream === null) return
		const onAbort = () => stream.abort(new Error('the watch was ended by its caller'))
		signal.addEventListener('abort', onAbort, { once: true })
		try {
			await stream.end()
			while (true) {
				const frame = await stream.read(WatchFrame)
				if (frame === null) throw new Error('the host ended the watch')
				yield frame
			}
		} catch (thrown) {
			if (signal.aborted) return
			if (thrown instanceof LatticeError && thrown.code !== 'CANCELLED') throw thrown
			throw unreachable(peerId, thrown)
		} finally {
			signal.removeEventListener('abort', onAbort)
			stream.abort(new Error('the watch was ended by its caller'))
		}
	}
}
