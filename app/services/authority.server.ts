import { issueDelegated, keyFromSeed, signGrant } from '../../agent/identity/index.ts'
import { type Command, CommandRequest, LatticeError } from '../../agent/protocol/index.ts'
import type { Database } from '../models/database.server.ts'
import { findUser } from '../models/user.server.ts'
import type { LatticeKeys } from './lattice.server.ts'

/** Minutes suffice: a credential is made for one try, with its grant. */
const CREDENTIAL_TTL_S = 10 * 60

export interface AuthorityModules {
	database: Database
	lattice: LatticeKeys
	consolePeerId: string
}

/** Signs what a user ordered at this console: a delegated credential that names the console as actor, and a fresh grant. */
export class Authority {
	readonly #modules: AuthorityModules

	constructor(modules: AuthorityModules) {
		this.#modules = modules
	}

	async request(userId: string, audience: string, given: Command): Promise<CommandRequest> {
		const { database, lattice, consolePeerId } = this.#modules
		const user = await findUser(database, userId)
		if (user === null) throw new LatticeError('UNAUTHENTICATED', 'The account that ordered this no longer exists.')
		const { jwt, seed } = await issueDelegated(lattice.issuer, {
			latticeId: lattice.latticeId,
			user: { id: user.id, email: user.email, role: user.role },
			version: user.tokenVersion,
			actor: consolePeerId,
			ttlSeconds: CREDENTIAL_TTL_S,
		})
		// As the host will decode it: both must hash the same command.
		const { command } = CommandRequest.pick({ command: true }).parse({ command: given })
		const grant = await signGrant({ credential: jwt, key: keyFromSeed(seed), command, audience })
		return { credential: jwt, grant, command }
	}
}
