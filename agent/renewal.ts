import type { Peer } from './mesh/index.ts'
import { LatticeError, MEMBERSHIP_RENEW_AFTER_S } from './protocol/index.ts'
import type { Standing } from './standing.ts'

export interface RenewalModules {
	peer: Peer
	standing: Standing
	log: { info(facts: object, message: string): void; warn(facts: object, message: string): void }
}

const LOOK_EVERY_MS = 3_600_000

/**
 * Asks for a fresh certificate from day 30 of its 90, so that two months of a dead console cost a node nothing. Looks
 * once an hour and whenever a peer connects, since that peer may be the console.
 */
export class Renewal {
	readonly #modules: RenewalModules
	#timer: NodeJS.Timeout | null = null
	#off: (() => void) | null = null
	#asking = false

	constructor(modules: RenewalModules) {
		this.#modules = modules
	}

	start(): void {
		this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS)
		this.#off = this.#modules.peer.onPeer(({ connected }) => {
			if (connected) void this.#look()
		})
		void this.#look()
	}

	stop(): void {
		if (this.#timer) clearInterval(this.#timer)
		this.#off?.()
	}

	async #look(): Promise<void> {
		const { peer, standing, log } = this.#modules
		if (this.#asking) return
		this.#asking = true
		try {
			const { issuedAt } = await standing.claims(peer.peerId)
			if (Date.now() / 1000 - issuedAt < MEMBERSHIP_RENEW_AFTER_S) return
			const { expiresAt } = await standing.adoptRenewed(await peer.renew(), peer.peerId)
			await peer.announce()
			log.info({ until: new Date(expiresAt * 1000).toISOString() }, 'renewed the certificate of this node')
		} catch (thrown) {
			const { code, message } = LatticeError.from(thrown)
			// The old certificate stands until its end; the next look asks again.
			log.warn({ code }, `the certificate of this node could not be renewed: ${message}`)
		} finally {
			this.#asking = false
		}
	}
}
