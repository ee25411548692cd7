import { LatticeError } from '../../agent/protocol/index.ts'
import type { Database } from '../models/database.server.ts'
import { findLattice } from '../models/lattice.server.ts'
import type { AuditTrail } from './audit.server.ts'
import { addNewKeys, type LatticeKeys, readKeys } from './lattice.server.ts'
import type { Actor, Rotation } from './services.ts'

/** Each console looks this often; a new key signs only once every console has had two looks. */
const LOOK_MS = 15_000

export interface SecretRotationModules {
	database: Database
	lattice: LatticeKeys
	/** shows members the issuers that this console knows */
	announce: () => Promise<void>
	audit: AuditTrail
	log: { info(facts: object, message: string): void; warn(facts: object, message: string): void }
}

/**
 * New keys beside the old: what the old ones signed stays good until its own end, so nobody is logged out. Every
 * console of this database takes the new ones up before any of them signs with them.
 */
export class SecretRotation implements Rotation {
	readonly #modules: SecretRotationModules
	#timer: NodeJS.Timeout | null = null

	constructor(modules: SecretRotationModules) {
		this.#modules = modules
	}

	start(): void {
		this.#timer = setInterval(() => {
			this.refresh().catch((error: unknown) =>
				this.#modules.log.warn({ err: error }, 'new keys could not be looked for; it is tried again'),
			)
		}, LOOK_MS).unref()
	}

	stop(): void {
		if (this.#timer) clearInterval(this.#timer)
	}

	/** The owner alone: a new issuing key and a new cookie secret. `signsFrom`: when they begin to sign. */
	async rotate(actor: Actor): Promise<{ issuer: string; signsFrom: string }> {
		const { database, lattice, audit } = this.#modules
		const entry = { actor: actor.userId, via: actor.via, action: 'lattice.rotate-secrets', subject: 'lattice' }
		return audit.around({ ...entry, facts: { address: actor.address } }, async () => {
			if (actor.role !== 'owner') {
				throw new LatticeError('FORBIDDEN', 'Only the owner of this lattice rotates its keys. Ask them.')
			}
			const issuer = await addNewKeys(database, lattice.keyring, Date.now())
			await this.refresh()
			return { issuer, signsFrom: new Date(Date.now() + SETTLED_MS).toISOString() }
		})
	}

	/** Takes up what another console, or this one, has made. */
	async refresh(): Promise<void> {
		const { database, lattice, announce, log } = this.#modules
		const row = await findLattice(database)
		if (row === null) return
		const known = lattice.trust.issuers().length
		const before = lattice.issuer.kid
		const { issuer, cookieSecrets, certificates } = readKeys(row, lattice.keyring, Date.now() - SETTLED_MS)
		for (const certificate of certificates) await lattice.trust.addIssuer(certificate)
		if (lattice.trust.issuers().length > known) await announce()
		lattice.issuer = issuer
		// In place: the HTTP side holds this very list.
		lattice.cookieSecrets.splice(0, lattice.cookieSecrets.length, ...cookieSecrets)
		if (before !== issuer.kid) log.info({ issuer: issuer.kid }, 'a new key signs from now on')
	}
}

/** Two looks: then every console, and every member that is there, knows a key before the first thing it signs. */
export const SETTLED_MS = 2 * LOOK_MS
