import { issueClaim, type SigningKey, type Subject, workloadIdOf } from '../identity/index.ts'
import { type CommandOf, CommandResult, LatticeError } from '../protocol/index.ts'
import { type Claim, type Claims, nameTaken } from '../store/claims.ts'
import { claimKey } from './claimer.ts'
import type { Directory } from './directory.ts'

export interface StewardModules {
	key: SigningKey
	peerId: string
	latticeId: () => string
	certificate: () => string
	claims: Claims
	directory: Pick<Directory, 'byName'>
	/** who reserves this name by the view of this node: the console, or an agent */
	claimer: (key: string) => string | null
	now?: () => number
}

/** An entry that has not got its order to a host by then has died, and another one may place it. */
const PLACING_MS = 30_000
/** A reservation that came to no workload for so long is forgotten. */
const FORGOTTEN_MS = 10 * 60_000

/**
 * Reserves names while the console is away. It answers only when it is the one to ask by its own view, too, so that two
 * entries with different views end at one steward.
 */
export class Steward {
	readonly #modules: StewardModules
	readonly #now: () => number

	constructor(modules: StewardModules) {
		this.#modules = modules
		this.#now = modules.now ?? Date.now
	}

	/** `entry`: the peer that asks and will place the order. Only one may: two would choose two hosts. */
	async claim(command: CommandOf<'claim'>, subject: Subject, entry: string): Promise<CommandResult> {
		const { claims } = this.#modules
		const { name, commandId } = command
		const owner = subject.userId
		this.#refuseForOthers(owner, name)
		const workloadId = workloadIdOf(owner, commandId)
		const token = await this.#token({ owner, name, commandId, workloadId })
		// Nothing waits between the look and the entry: no other claim comes in between.
		const held = this.#judge(claims.find(owner, name), { owner, name, commandId, entry })
		const claim = held ?? { owner, name, commandId, workloadId, token, entry, at: this.#now() }
		claims.put({ ...claim, entry, at: this.#now() })
		return CommandResult.parse({ claim: { token: claim.token, workloadId: claim.workloadId } })
	}

	unclaim(command: CommandOf<'unclaim'>, subject: Subject): CommandResult {
		this.#modules.claims.release(subject.userId, command.name, command.commandId)
		return CommandResult.parse({})
	}

	#refuseForOthers(owner: string, name: string): void {
		const { claimer, peerId } = this.#modules
		const steward = claimer(claimKey(owner, name))
		if (steward === null || steward === peerId) return
		throw new LatticeError('WRONG_STATE', 'Another peer reserves this name; ask it.', { steward })
	}

	/** The claim to give again; null: the name is free. */
	#judge(held: Claim | null, asked: Pick<Claim, 'owner' | 'name' | 'commandId' | 'entry'>): Claim | null {
		const { owner, name, commandId, entry } = asked
		const known = this.#modules.directory.byName(owner, name)
		if (known && known.commandId !== commandId) throw nameTaken(name)
		if (!held) return null
		const age = this.#now() - held.at
		if (held.commandId !== commandId) {
			if (age < FORGOTTEN_MS) throw nameTaken(name)
			return null
		}
		if (!known && held.entry !== entry && age < PLACING_MS) {
			throw new LatticeError('WRONG_STATE', 'Another node is placing this very order; look again in a moment.', {
				workloadId: held.workloadId,
				placing: true,
			})
		}
		return held
	}

	#token(about: Pick<Claim, 'owner' | 'name' | 'commandId' | 'workloadId'>): Promise<string> {
		const { key, peerId, latticeId, certificate } = this.#modules
		return issueClaim(key, { ...about, latticeId: latticeId(), by: peerId, certificate: certificate() })
	}
}
