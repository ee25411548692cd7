import type { Peer } from '../../../mesh/index.ts'
import { CHALLENGES } from './acme-server.ts'

/** Whoever asks for challenges makes no more questions in the mesh than this. */
const MOST_AT_ONCE = 20

/** A name may lead to several gateways, and an authority comes to any of them: those that did not order ask the others. */
export class OtherGateways {
	readonly #peer: Pick<Peer, 'connected' | 'challenges'>
	#asking = 0

	constructor(peer: Pick<Peer, 'connected' | 'challenges'>) {
		this.#peer = peer
	}

	/** null: it is no challenge of theirs */
	async answer(path: string): Promise<string | null> {
		const token = path.slice(CHALLENGES.length)
		if (this.#asking >= MOST_AT_ONCE || !/^[\w-]{1,128}$/.test(token)) return null
		this.#asking++
		try {
			const gateways = this.#peer.connected().filter(({ certificate }) => certificate.gateway)
			return await Promise.any(gateways.map(({ peerId }) => this.#ask(peerId, token)))
		} catch {
			// None has it: the path may be a workload's own.
			return null
		} finally {
			this.#asking--
		}
	}

	async #ask(peerId: string, token: string): Promise<string> {
		const answer = await this.#peer.challenges.ask(peerId, token)
		if (answer === null) throw new Error('not its challenge')
		return answer
	}
}
