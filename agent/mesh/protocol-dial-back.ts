import { DialBackAnswer, DialBackRequest, LatticeError, PROTOCOL } from '../protocol/index.ts'
import { isCircuit } from './circuits.ts'
import { type Ground, serve } from './door.ts'
import type { Transports } from './node.ts'
import { Quota } from './quota.ts'
import type { Reach } from './reach.ts'
import { answer, ask } from './reply.ts'

/** Of one peer: a node asks anew when it meets somebody, its addresses change, or a minute has passed. */
const QUOTA = { perSecond: 0.2, burst: 10 }
const MAX_ADDRESSES = 8

interface DialBackOptions {
	transports: Transports
	/** milliseconds an address is given */
	addressMs: number
	/** where this peer listens */
	own: () => string[]
}

/**
 * AutoNAT's question among members: "can you dial me?". libp2p's own asks only about public addresses and only peers of
 * other networks, so it would know nothing in a LAN, a lab or on loopback.
 */
export class DialBack {
	readonly #ground: Ground
	readonly #reach: Reach
	readonly #options: DialBackOptions
	readonly #quota = new Quota(QUOTA)

	constructor(ground: Ground, reach: Reach, options: DialBackOptions) {
		this.#ground = ground
		this.#reach = reach
		this.#options = options
	}

	async serve(): Promise<void> {
		await serve(this.#ground, PROTOCOL.dialBack, 'members', (stream, { peerId }) =>
			answer(stream, DialBackRequest, this.#ground, async ({ addresses }) => {
				if (!this.#quota.take(peerId)) {
					throw new LatticeError('RATE_LIMITED', 'This node was asked to dial too often; ask again in a minute.')
				}
				return { reached: await this.#reaches(peerId, addresses) } satisfies DialBackAnswer
			}),
		)
	}

	async ask(peerId: string): Promise<boolean> {
		const addresses = this.#options.own().slice(0, MAX_ADDRESSES)
		if (addresses.length === 0) return false
		const stream = await this.#reach.open(peerId, PROTOCOL.dialBack)
		// All addresses are tried at once.
		const { reached } = await ask(stream, { addresses }, DialBackAnswer, 2 * this.#options.addressMs)
		return reached
	}

	/** A connection of its own, whatever connections there are; Noise finds the asker's key behind it or nobody's. */
	async #reaches(peerId: string, addresses: readonly string[]): Promise<boolean> {
		const direct = this.#reach.dialable({ peerId, addresses: addresses.filter((address) => !isCircuit(address)) })
		const dials = direct.map(async (address) => {
			const connection = await this.#options.transports.dial(address, AbortSignal.timeout(this.#options.addressMs))
			await connection.close()
		})
		try {
			await Promise.any(dials)
			return true
		} catch (thrown) {
			this.#ground.log.debug({ peer: peerId, addresses, err: thrown }, 'it asked to be dialled and cannot be')
			return false
		}
	}
}
