import { ChallengeAnswer, ChallengeRequest, LatticeError, PROTOCOL } from '../protocol/index.ts'
import { type Ground, serve } from './door.ts'
import { Quota } from './quota.ts'
import type { Reach } from './reach.ts'
import { answer, ask } from './reply.ts'

/** Of one peer: a name is proven from a handful of places at once, and names one after the other. */
const QUOTA = { perSecond: 5, burst: 50 }

/** Answers to ACME challenges that another gateway is asked for. */
export interface ChallengeTransport {
	/** what this peer answers; null: no such challenge is open here */
	answer: ((token: string) => string | null) | null
	ask(peerId: string, token: string): Promise<string | null>
}

export class Challenges implements ChallengeTransport {
	readonly #ground: Ground
	readonly #reach: Reach
	readonly #timeoutMs: number
	readonly #quota = new Quota(QUOTA)
	answer: ChallengeTransport['answer'] = null

	constructor(ground: Ground, reach: Reach, timeoutMs: number) {
		this.#ground = ground
		this.#reach = reach
		this.#timeoutMs = timeoutMs
	}

	async serve(): Promise<void> {
		await serve(this.#ground, PROTOCOL.challenge, 'members', (stream, { peerId }) =>
			answer(stream, ChallengeRequest, this.#ground, async ({ token }) => {
				if (!this.#quota.take(peerId))
					throw new LatticeError(
						'RATE_LIMITED',
						'This gateway was asked for too many challenges; ask again in a minute.',
					)
				return { answer: this.answer?.(token) ?? null } satisfies ChallengeAnswer
			}),
		)
	}

	async ask(peerId: string, token: string): Promise<string | null> {
		const stream = await this.#reach.open(peerId, PROTOCOL.challenge)
		return (await ask(stream, { token }, ChallengeAnswer, this.#timeoutMs)).answer
	}
}
