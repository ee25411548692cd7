import { issueClaim, type SigningKey, type Subject, workloadIdOf } from '../identity/index.ts'
import { type CommandOf, CommandResult, LatticeError } from '../protocol/index.ts'
import { type Claims, nameTaken } from '../store/claims.ts'
import type { Directory } from './directory.ts'

export interface StewardModules {
	key: SigningKey
	peerId: string
	latticeId: () => string
	certificate: () => string
	claims: Claims
	directory: Directory
	/** while a console is connected it alone reserves names: its unique index is the truth */
	consoleConnected: () => boolean
}

/** Reserves names while the console is away. The entry node asks the member first in rendezvous order; here it answers. */
export class Steward {
	readonly #modules: StewardModules

	constructor(modules: StewardModules) {
		this.#modules = modules
	}

	async claim(command: CommandOf<'claim'>, subject: Subject): Promise<CommandResult> {
		const { claims, directory, key, peerId } = this.#modules
		if (this.#modules.consoleConnected()) {
			throw new LatticeError('WRONG_STATE', 'The console is here and reserves names; ask it.', { steward: peerId })
		}
		const { name, commandId } = command
		const owner = subject.userId
		const known = directory.byName(owner, name)
		if (known && known.commandId !== commandId) throw nameTaken(name)
		const workloadId = known?.id ?? claims.find(owner, name)?.workloadId ?? workloadIdOf(owner, commandId)
		const token = await issueClaim(key, {
			latticeId: this.#modules.latticeId(),
			owner,
			name,
			commandId,
			workloadId,
			by: peerId,
			certificate: this.#modules.certificate(),
		})
		const held = claims.take({ owner, name, commandId, workloadId, token })
		return CommandResult.parse({ claim: { token: held.token, workloadId: held.workloadId } })
	}

	unclaim(command: CommandOf<'unclaim'>, subject: Subject): CommandResult {
		this.#modules.claims.release(subject.userId, command.name, command.commandId)
		return CommandResult.parse({})
	}
}
