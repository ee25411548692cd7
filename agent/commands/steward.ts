import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import {
	type ClaimClaims,
	hostsOf,
	issueClaim,
	peekClaim,
	type SigningKey,
	type Subject,
	type Trust,
	workloadIdOf,
} from '../identity/index.ts'
import { type CommandOf, CommandResult, LatticeError, type Placement } from '../protocol/index.ts'
import { type Claimants, claimerOf, claimKey } from '../scheduler/claimer.ts'
import { type Decision, isForgotten, ruleOn, stands } from '../scheduler/decisions.ts'
import { type Claim, type Claims, nameTaken } from '../store/claims.ts'
import { otherPlacement } from './claim-check.ts'
import type { Directory } from './directory.ts'
import { Turns } from './turns.ts'

export interface StewardModules {
	key: SigningKey
	peerId: string
	trust: () => Pick<Trust, 'latticeId' | 'verifyClaim'>
	certificate: () => string
	claims: Claims
	directory: Pick<Directory, 'byName' | 'of'>
	/** who may reserve names, by the view of this node */
	claimants: () => Claimants
	now?: () => number
}

type Order = Pick<Claim, 'owner' | 'name' | 'commandId' | 'workloadId'>

/**
 * Decides, while the console is away, who has a name and which hosts run the order of it, and witnesses what others
 * decided. It decides only when it is the one to ask by its own view, too, so that two entries with different views end
 * at one steward.
 */
export class Steward {
	readonly #modules: StewardModules
	readonly #now: () => number
	/** signing takes time: nothing else is decided about the name meanwhile */
	readonly #turns = new Turns()

	constructor(modules: StewardModules) {
		this.#modules = modules
		this.#now = modules.now ?? Date.now
	}

	async claim(command: CommandOf<'claim'>, subject: Subject, credential: string): Promise<CommandResult> {
		const order = orderOf(command, subject)
		const { placement, attempt, after, warrant } = command
		const word = { credential, warrant }
		const claim = await this.#alone(order, async () => {
			this.#refuseForOthers(order)
			this.#refuseTaken(order)
			const held = await this.#held(order)
			switch (ruleOn(held?.decision ?? null, { placement, attempt, after }, this.#now())) {
				case 'again':
					return this.#keep(shared(held as Claim, attempt))
				case 'refresh':
					return this.#sign(order, word, (held as Claim).decision)
				case 'next': {
					const generation = (held?.decision.generation ?? 0) + 1
					const proposed = { id: randomUUID(), generation, placement: placement as Placement, attempt, shared: false }
					return this.#sign(order, word, proposed)
				}
			}
		})
		return given(claim, attempt)
	}

	/**
	 * Keeps what another claimer decided, for when that one is gone. Should another decision on the same order be known
	 * here and prevail, then that is the answer, and the asker goes by it. What was decided here is in use already, what is
	 * told only from now on.
	 */
	async witness(command: CommandOf<'witness'>, subject: Subject): Promise<CommandResult> {
		const { claims, directory, trust } = this.#modules
		const { claim: token, placement } = command
		const order = orderOf(command, subject)
		const { decision: id, generation, hosts, issuedAt } = await trust().verifyClaim(token, order)
		if (!isDeepStrictEqual(hosts, hostsOf(placement.chosen))) throw otherPlacement()
		const claim = await this.#alone(order, async () => {
			const told = { id, generation, placement, attempt: '', shared: true, signedAt: issuedAt * 1000 }
			const held = claims.find(order.owner, order.name)
			if (held && held.commandId !== order.commandId) {
				// Of one that hosts tell of the claimer knows as well, and it has said that the name is free.
				const isOpen = !isForgotten(held.decision, this.#now()) && directory.of(held.workloadId).length === 0
				if (isOpen) throw nameTaken(order.name)
			} else if (held?.decision.id === id) {
				const signedAt = Math.max(held.decision.signedAt, told.signedAt)
				return this.#keep({ ...held, token, decision: { ...held.decision, signedAt } })
			} else if (held && stands(held.decision, told)) return this.#keep(shared(held, ''))
			return this.#keep({ ...order, token, decision: told })
		})
		return given(claim, '')
	}

	unclaim(command: CommandOf<'unclaim'>, subject: Subject): CommandResult {
		this.#modules.claims.release(subject.userId, command.name, command.decision)
		return CommandResult.parse({})
	}

	async #alone<T>({ owner, name }: Order, work: () => Promise<T>): Promise<T> {
		const done = await this.#turns.take(claimKey(owner, name))
		try {
			return await work()
		} finally {
			done()
		}
	}

	#refuseForOthers({ owner, name }: Order): void {
		const { claimants, peerId } = this.#modules
		const steward = claimerOf(claimants(), claimKey(owner, name))
		if (steward === null || steward === peerId) return
		throw new LatticeError('WRONG_STATE', 'Another peer reserves this name; ask it.', { steward })
	}

	#refuseTaken({ owner, name, commandId }: Order): void {
		const { claims, directory } = this.#modules
		const known = directory.byName(owner, name)
		if (known && known.commandId !== commandId) throw nameTaken(name)
		const held = claims.find(owner, name)
		if (held && held.commandId !== commandId && !isForgotten(held.decision, this.#now())) throw nameTaken(name)
	}

	/** What was decided on this order last: here, or elsewhere, as the hosts that have it show. */
	async #held(order: Order): Promise<Claim | null> {
		const { claims, directory } = this.#modules
		const held = claims.find(order.owner, order.name)
		const own = held?.commandId === order.commandId ? held : null
		const reports = directory.of(order.workloadId)
		let newest = own
		for (const { claim: token, placement, generation: placed } of reports) {
			const said = await this.#verified(token, order)
			if (said === null) continue
			const { decision: id, generation, issuedAt } = said
			if (newest && (newest.decision.id === id || newest.decision.generation >= generation)) continue
			// A scaling without new hosts raises the generation and needs no claim.
			const seen = { id, generation: Math.max(generation, placed), placement, attempt: '', shared: true }
			newest = { ...order, token, decision: { ...seen, signedAt: issuedAt * 1000 } }
		}
		return newest
	}

	/** null: signed by nobody who may, or no longer; what its host shows says nothing here. */
	async #verified(token: string, order: Order): Promise<ClaimClaims | null> {
		try {
			return await this.#modules.trust().verifyClaim(token, order)
		} catch (thrown) {
			if (LatticeError.from(thrown).code === 'CLAIM_INVALID') return null
			throw thrown
		}
	}

	/** Anew when the decision is known already: then only its token is. */
	async #sign(
		order: Order,
		word: { credential: string; warrant: string },
		decided: Omit<Decision, 'signedAt'>,
	): Promise<Claim> {
		const { key, peerId, trust, certificate } = this.#modules
		const token = await issueClaim(key, {
			...order,
			latticeId: trust().latticeId,
			by: peerId,
			steward: { certificate: certificate(), ...word },
			decision: decided.id,
			generation: decided.generation,
			chosen: decided.placement.chosen,
		})
		return this.#keep({ ...order, token, decision: { ...decided, signedAt: peekClaim(token).issuedAt * 1000 } })
	}

	#keep(claim: Claim): Claim {
		this.#modules.claims.put(claim)
		return claim
	}
}

function orderOf(command: CommandOf<'claim' | 'witness'>, subject: Subject): Order {
	const { name, commandId } = command
	return { owner: subject.userId, name, commandId, workloadId: workloadIdOf(subject.userId, commandId) }
}

function shared(claim: Claim, attempt: string): Claim {
	const isShared = claim.decision.shared || claim.decision.attempt !== attempt
	return { ...claim, decision: { ...claim.decision, shared: isShared } }
}

function given({ token, workloadId, decision }: Claim, attempt: string): CommandResult {
	const { id, generation, placement } = decision
	const own = decision.attempt === attempt && attempt !== ''
	return CommandResult.parse({ claim: { token, workloadId, decision: id, generation, placement, own } })
}
