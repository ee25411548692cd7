import { type Keyring, keyIdOf } from '../../agent/identity/index.ts'
import { Credentials, LatticeError } from '../../agent/protocol/index.ts'
import { TEMPLATES } from '../../agent/templates/catalogue.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { credentialsToReseal, findCredential, saveCredential } from '../models/credential.server.ts'
import type { Database } from '../models/database.server.ts'
import type { WorkloadRecord } from '../models/workload.server.ts'
import type { HostCommands } from './host-commands.server.ts'

/** A page waits this long for credentials that the console does not have yet. */
const FETCH_TIMEOUT_MS = 3_000
const RESEAL_BATCH = 100

export interface CredentialStoreModules {
	database: Database
	keyring: Keyring
	fleet: Pick<Fleet, 'isReachable'>
	commands: HostCommands
	log: { warn(facts: object, message: string): void }
}

/** The console's sealed copy of what hosts made: fetched end to end from the host, opened for the owner alone. */
export class CredentialStore {
	readonly #modules: CredentialStoreModules
	/** endpoints of a workload when its credentials were fetched: a connection string changes with them */
	readonly #fetchedFor = new Map<string, string>()

	constructor(modules: CredentialStoreModules) {
		this.#modules = modules
	}

	/** Null where the template makes none, and until the host has delivered them. */
	async of(record: WorkloadRecord): Promise<Credentials | null> {
		if (!hasCredentials(record)) return null
		const { database, keyring } = this.#modules
		const sealed = await findCredential(database, record.id)
		if (sealed !== null) return Credentials.parse(JSON.parse(keyring.open(sealed, boundTo(record.id))))
		return this.#fetch(record)
	}

	/** Called with every change of a workload: fetches what is missing, and again when its endpoints changed. */
	async follow(record: WorkloadRecord): Promise<void> {
		if (!hasCredentials(record) || record.deletedAt !== null) return
		if (this.#fetchedFor.get(record.id) === endpointsOf(record)) return
		await this.#fetch(record)
	}

	forget(workloadId: string): void {
		this.#fetchedFor.delete(workloadId)
	}

	/** After a rotation of the master key, so that its old line can be taken away. */
	async reseal(): Promise<void> {
		const { database, keyring } = this.#modules
		for (;;) {
			const batch = await credentialsToReseal(database, keyring.active, RESEAL_BATCH)
			for (const { workloadId, sealed } of batch) {
				await this.#save(workloadId, keyring.open(sealed, boundTo(workloadId)))
			}
			if (batch.length < RESEAL_BATCH) return
		}
	}

	/** Asked in the owner's name: the host gives them to nobody else. */
	async #fetch(record: WorkloadRecord): Promise<Credentials | null> {
		const { fleet, commands, log } = this.#modules
		const holder = record.assignments.find(({ state, peerId }) => state === 'taken' && fleet.isReachable(peerId))
		if (holder === undefined) return null
		const endpoints = endpointsOf(record)
		try {
			const command = { kind: 'get', workloadId: record.id, credentials: true } as const
			const { credentials } = await commands.result(record.ownerId, holder.peerId, command, FETCH_TIMEOUT_MS)
			if (credentials === null) return null
			await this.#save(record.id, JSON.stringify(credentials))
			this.#fetchedFor.set(record.id, endpoints)
			return credentials
		} catch (thrown) {
			const { code, message } = LatticeError.from(thrown)
			log.warn(
				{ workload: record.id, peer: holder.peerId, code, reason: message },
				'credentials could not be fetched yet',
			)
			return null
		}
	}

	async #save(workloadId: string, text: string): Promise<void> {
		const { database, keyring } = this.#modules
		const sealed = keyring.seal(text, boundTo(workloadId))
		await saveCredential(database, { workloadId, sealed, keyId: keyIdOf(sealed) })
	}
}

function hasCredentials(record: WorkloadRecord): boolean {
	// A newer agent may run a service that this console's catalogue does not have yet.
	const template = TEMPLATES.find(({ type }) => type === record.type)
	return template !== undefined && template.secretNames.length > 0
}

function endpointsOf(record: WorkloadRecord): string {
	return JSON.stringify(
		record.assignments.map(({ peerId, report }) => [peerId, report?.replicas.map((each) => each.endpoints)]),
	)
}

function boundTo(workloadId: string): string {
	return `credential:${workloadId}`
}
