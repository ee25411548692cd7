import { z } from 'zod'
import type { Keyring } from '../../agent/identity/index.ts'
import { LatticeError, NgrokAuthToken, parseInput, type WorkloadReport } from '../../agent/protocol/index.ts'
import { templateOf } from '../../agent/templates/catalogue.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Database } from '../models/database.server.ts'
import { latticeOwner, type NgrokSecret, readNgrokSecret, saveNgrokSecret } from '../models/lattice.server.ts'
import type { AuditTrail } from './audit.server.ts'
import type { HostCommands } from './host-commands.server.ts'
import { KeyedQueue } from './keyed-queue.server.ts'
import { boundTo } from './lattice.server.ts'
import type { Actor, NgrokStatus, Settings } from './services.ts'

const SetInput = z.strictObject({ token: NgrokAuthToken.nullable() })
const BOUND_TO = boundTo('ngrok', 'ngrok')

export interface NgrokSettingsModules {
	database: Database
	keyring: Keyring
	fleet: Pick<Fleet, 'views' | 'isReachable'>
	commands: Pick<HostCommands, 'result'>
	audit: AuditTrail
	log: { warn(facts: object, message: string): void }
}

/**
 * The lattice's auth token for ngrok. It rests sealed in the database and goes, in a signed command over Noise, to the
 * hosts that say they expose a workload by ngrok, and to no others; nobody is ever told it again.
 */
export class NgrokSettings implements Settings {
	readonly #modules: NgrokSettingsModules
	readonly #turns = new KeyedQueue()
	/** by host: the version it has taken from this console */
	readonly #given = new Map<string, number>()

	constructor(modules: NgrokSettingsModules) {
		this.#modules = modules
	}

	async ngrok(actor: Actor): Promise<NgrokStatus> {
		requireMayChange(actor)
		return statusOf(await readNgrokSecret(this.#modules.database))
	}

	async setNgrok(actor: Actor, input: unknown): Promise<NgrokStatus> {
		const { database, keyring, audit } = this.#modules
		const action = 'lattice.ngrok-token'
		const entry = { actor: actor.userId, via: actor.via, action, subject: 'lattice', facts: { address: actor.address } }
		const secret = await audit.around(entry, async () => {
			requireMayChange(actor)
			const { token } = parseInput(SetInput, input)
			const before = await readNgrokSecret(database)
			const changedAt = new Date(Math.max(Date.now(), (before?.changedAt.getTime() ?? 0) + 1))
			const changed = { sealed: token === null ? null : keyring.seal(token, BOUND_TO), changedAt }
			await saveNgrokSecret(database, changed)
			return changed
		})
		await this.#tellAll(secret.sealed === null)
		return statusOf(secret)
	}

	/** A host says what it holds: when it exposes by ngrok, it needs the token. */
	heard(peerId: string, report: WorkloadReport): void {
		if (!this.#given.has(peerId) && exposesByNgrok(report)) void this.#give(peerId)
	}

	/** It was away, or it is another agent with the same name: what it holds is not known. */
	gone(peerId: string): void {
		this.#given.delete(peerId)
	}

	/** Those that have one get the new one; that there is none any more all may hear. */
	async #tellAll(cleared: boolean): Promise<void> {
		const { fleet } = this.#modules
		const there = fleet.views().flatMap(({ status: { peerId } }) => (fleet.isReachable(peerId) ? [peerId] : []))
		await Promise.all(there.filter((peerId) => cleared || this.#given.has(peerId)).map((peerId) => this.#give(peerId)))
	}

	#give(peerId: string): Promise<void> {
		return this.#turns.run(peerId, async () => {
			const { database, keyring, commands, log } = this.#modules
			try {
				const [secret, owner] = await Promise.all([readNgrokSecret(database), latticeOwner(database)])
				// Also when none was ever set: who asked once gets the first one that is.
				const version = secret?.changedAt.getTime() ?? 0
				if (owner === null || this.#given.get(peerId) === version) return
				if (secret !== null) {
					const token = secret.sealed === null ? null : keyring.open(secret.sealed, BOUND_TO)
					await commands.result(owner, peerId, { kind: 'ngrok', token, version })
				}
				this.#given.set(peerId, version)
			} catch (thrown) {
				this.#given.delete(peerId)
				// The next thing that the host says of such a workload tries again.
				log.warn({ peer: peerId, code: LatticeError.from(thrown).code }, 'a node did not take the ngrok token')
			}
		})
	}
}

function exposesByNgrok({ type, config }: WorkloadReport): boolean {
	return templateOf(type).expose(config).includes('ngrok')
}

function statusOf(secret: NgrokSecret | null): NgrokStatus {
	return { configured: secret?.sealed != null, changedAt: secret?.changedAt.toISOString() ?? null }
}

function requireMayChange(actor: Actor): void {
	if (actor.role === 'member')
		throw new LatticeError(
			'FORBIDDEN',
			'Only the owner and admins of this lattice set its ngrok token. Ask one of them.',
		)
}
