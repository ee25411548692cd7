import { setTimeout as delay } from 'node:timers/promises'
import { type CommandOf, LatticeError } from '../protocol/index.ts'
import type { Authority } from './authority.ts'
import { claimKey } from './claimer.ts'
import { resultOf } from './results.ts'
import type { Sender } from './sender.ts'

export interface ClaimingModules {
	sender: Sender
	/** who reserves names now, as this node sees it; null when nobody is there */
	claimer: (key: string) => string | null
}

export interface HeldClaim {
	/** JWT */
	token: string
	workloadId: string
	/** the peer that gave it, to whom it is given back */
	by: string
}

/** A claimer that has just died is noticed within this, and another is asked. */
const PATIENCE_MS = 6_000
const LOOK_AGAIN_MS = 250

/** Obtains the reservation of (owner, name) that a deployment needs. */
export class Claiming {
	readonly #modules: ClaimingModules

	constructor(modules: ClaimingModules) {
		this.#modules = modules
	}

	/**
	 * Asks who reserves names by this node's view. One who knows better says whom to ask; one who is away is asked again
	 * until the view says that it is.
	 */
	async take(authority: Authority, command: CommandOf<'claim'>, signal: AbortSignal): Promise<HeldClaim> {
		const deadline = Date.now() + PATIENCE_MS
		const sentOnFrom = new Set<string>()
		let claimer = this.#claimer(authority, command.name)
		for (;;) {
			try {
				const { claim } = await resultOf(this.#modules.sender.frames(authority, claimer, command, signal))
				if (claim) return { ...claim, by: claimer }
				throw new LatticeError('PROTOCOL_ERROR', 'The steward answered without a claim.', { steward: claimer })
			} catch (thrown) {
				const error = LatticeError.from(thrown)
				const { steward } = error.facts
				if (error.code === 'WRONG_STATE' && typeof steward === 'string' && !sentOnFrom.has(steward)) {
					sentOnFrom.add(claimer)
					claimer = steward
				} else if (error.code === 'HOST_UNREACHABLE' && Date.now() < deadline) {
					await delay(LOOK_AGAIN_MS)
					sentOnFrom.clear()
					claimer = this.#claimer(authority, command.name)
				} else throw error
			}
		}
	}

	/** Nothing half-done stays behind an order that no host took. */
	async giveBack(
		authority: Authority,
		order: { commandId: string; name: string },
		by: string,
		signal: AbortSignal,
	): Promise<void> {
		await resultOf(this.#modules.sender.frames(authority, by, { kind: 'unclaim', ...order }, signal))
	}

	#claimer(authority: Authority, name: string): string {
		const claimer = this.#modules.claimer(claimKey(authority.subject.userId, name))
		if (claimer === null) throw new LatticeError('HOST_UNREACHABLE', 'No node is connected any more; try again.')
		return claimer
	}
}
