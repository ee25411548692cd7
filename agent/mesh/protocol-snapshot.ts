import { LIMITS, PROTOCOL, SnapshotMessage } from '../protocol/index.ts'
import { type Ground, serve } from './door.ts'
import type { Receive } from './member-transport.ts'
import { Quota } from './quota.ts'
import type { Reach } from './reach.ts'

/** Of one peer: a rejoin compares and asks a few times a second at most; each answer may be megabytes. */
const QUOTA = { perSecond: 5, burst: 50 }

/** A stream a message: snapshots are large and rare, and must not stand before a probe. */
export class Snapshots {
	readonly #ground: Ground
	readonly #reach: Reach
	readonly #quota = new Quota(QUOTA)
	receive: Receive | null = null

	constructor(ground: Ground, reach: Reach) {
		this.#ground = ground
		this.#reach = reach
	}

	async serve(): Promise<void> {
		await serve(this.#ground, PROTOCOL.snapshot, 'members', async (stream, { peerId }) => {
			const message = await stream.read(SnapshotMessage, { timeoutMs: LIMITS.firstFrameTimeoutMs })
			if (message !== null && this.#quota.take(peerId)) await this.receive?.(peerId, message)
			await stream.close()
		})
	}

	async send(to: { peerId: string; addresses: string[] }, message: SnapshotMessage): Promise<void> {
		const connection = await this.#reach.connect(to)
		const stream = await this.#reach.openOn(connection, PROTOCOL.snapshot)
		await stream.write(message)
		await stream.close()
	}
}
