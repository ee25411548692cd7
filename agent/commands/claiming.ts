import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type ClaimGiven, type CommandOf, LatticeError, type Placement } from '../protocol/index.ts'
import { type Claimants, claimerOf, claimKey, witnessOf } from '../scheduler/claimer.ts'
import type { Authority } from './authority.ts'
import { resultOf } from './results.ts'
import type { Sender } from './sender.ts'

export interface ClaimingModules {
	sender: Sender
	/** who may reserve names, as this node sees it now */
	claimants: () => Claimants
	/** resolves after so many milliseconds */
	pause?: (ms: number) => Promise<unknown>
}

export type ClaimedOrder = Pick<CommandOf<'claim'>, 'commandId' | 'workloadId' | 'name' | 'type' | 'config'>
export type After = CommandOf<'claim'>['after']

/** A claimer that has just died is noticed within this, and another is asked. */
const PATIENCE_MS = 6_000
const LOOK_AGAIN_MS = 250

/** Obtains, for one try of one entry, what an order needs before it is sent: its name, and who runs it. */
export class Claiming {
	readonly #modules: ClaimingModules

	constructor(modules: ClaimingModules) {
		this.#modules = modules
	}

	begin(authority: Authority, order: ClaimedOrder, signal: AbortSignal): ClaimTry {
		return new ClaimTry(this.#modules, authority, order, signal)
	}
}

export class ClaimTry {
	readonly #modules: ClaimingModules
	readonly #authority: Authority
	readonly #order: ClaimedOrder
	readonly #signal: AbortSignal
	readonly #attempt = randomUUID()
	/** those that keep it */
	readonly #keepers = new Set<string>()

	constructor(modules: ClaimingModules, authority: Authority, order: ClaimedOrder, signal: AbortSignal) {
		this.#modules = modules
		this.#authority = authority
		this.#order = order
		this.#signal = signal
	}

	/**
	 * The decision that stands: what is proposed, or what was decided before. It is known to two members when this
	 * resolves, so that it outlives one of them.
	 */
	async take(placement: Placement | null, after: After): Promise<ClaimGiven> {
		const { claim, claimer } = await this.#ask(placement, after)
		this.#keepers.add(claimer)
		const witness = witnessOf(this.#modules.claimants(), this.#key, claimer)
		if (witness === null) return claim
		try {
			const { commandId, workloadId, name } = this.#order
			const known = { commandId, workloadId, name, placement: claim.placement, claim: claim.token }
			const { claim: stands } = await this.#send(witness, { kind: 'witness', ...known })
			this.#keepers.add(witness)
			return !stands || stands.decision === claim.decision ? claim : stands
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			// It has just died, so nobody will ask it.
			if (error.code === 'HOST_UNREACHABLE') return claim
			if (claim.own) await this.giveBack(claim.decision)
			throw error
		}
	}

	/** Nothing half-done stays behind an order that no host took. */
	async giveBack(decision: string): Promise<void> {
		const { commandId, name } = this.#order
		for (const keeper of this.#keepers) {
			try {
				await this.#send(keeper, { kind: 'unclaim', commandId, name, decision })
			} catch (thrown) {
				const error = LatticeError.from(thrown)
				// Then it is forgotten there in time.
				if (error.code !== 'HOST_UNREACHABLE') throw error
			}
		}
	}

	/**
	 * Asks who reserves names by this node's view. One who knows better says whom to ask; one who is away is asked again
	 * until the view says that it is.
	 */
	async #ask(placement: Placement | null, after: After): Promise<{ claim: ClaimGiven; claimer: string }> {
		const { workloadId, commandId, name } = this.#order
		const owner = this.#authority.subject.userId
		const deadline = Date.now() + PATIENCE_MS
		const sentOnFrom = new Set<string>()
		let claimer = this.#claimer()
		for (;;) {
			// A word of its own for each: which of two decisions was ordered first is told by it (doubles.ts).
			const warrant = await this.#authority.warrant({ owner, name, commandId, workloadId })
			const command = { kind: 'claim', ...this.#order, placement, attempt: this.#attempt, after, warrant } as const
			try {
				const { claim } = await this.#send(claimer, command)
				if (claim) return { claim, claimer }
				throw new LatticeError('PROTOCOL_ERROR', 'The steward answered without a claim.', { steward: claimer })
			} catch (thrown) {
				const error = LatticeError.from(thrown)
				const { steward } = error.facts
				if (error.code === 'WRONG_STATE' && typeof steward === 'string' && !sentOnFrom.has(steward)) {
					sentOnFrom.add(claimer)
					claimer = steward
				} else if (error.code === 'HOST_UNREACHABLE' && !isRuling(error) && Date.now() < deadline) {
					await (this.#modules.pause ?? delay)(LOOK_AGAIN_MS)
					sentOnFrom.clear()
					claimer = this.#claimer()
				} else throw error
			}
		}
	}

	#send(peerId: string, command: CommandOf<'claim' | 'witness' | 'unclaim'>) {
		return resultOf(this.#modules.sender.frames(this.#authority, peerId, command, this.#signal))
	}

	get #key(): string {
		return claimKey(this.#authority.subject.userId, this.#order.name)
	}

	#claimer(): string {
		const claimer = claimerOf(this.#modules.claimants(), this.#key)
		if (claimer === null) throw new LatticeError('HOST_UNREACHABLE', 'No node is connected any more; try again.')
		return claimer
	}
}

/** The claimer itself is there; it speaks of the host that was chosen. */
function isRuling({ facts }: LatticeError): boolean {
	return facts.chosen === true
}
