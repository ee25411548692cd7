import type { Keyring } from '../identity/index.ts'
import type { Database } from './database.ts'

/** A certificate chain and its key, both PEM. */
export interface IssuedCertificate {
	chain: string
	key: string
}

/** What this gateway has of the certificate for one host name, and how its last order went. */
export interface GatewayCertificate {
	name: string
	/** whose workload the name was for at the last order */
	owner: string
	/** null: there has been none yet */
	issued: IssuedCertificate | null
	/** orders that failed since the last that did not */
	failures: number
	/** milliseconds since the epoch */
	orderedAt: number
	/** why the last order failed; null when it did not */
	reason: string | null
}

type Row = Record<string, string | number | null>

/** Certificates by ACME and the accounts they are ordered with. Keys rest sealed, as all that is secret in the store. */
export class GatewayCertificates {
	readonly #db: Database
	readonly #keyring: Keyring

	constructor(db: Database, keyring: Keyring) {
		this.#db = db
		this.#keyring = keyring
	}

	all(): GatewayCertificate[] {
		return this.#db
			.prepare('SELECT * FROM gateway_certificate')
			.all()
			.map((row) => this.#open(row as Row))
	}

	put({ name, owner, issued, failures, orderedAt, reason }: GatewayCertificate): void {
		const sealed = issued && this.#keyring.seal(issued.key, `certificate ${name}`)
		this.#db.transaction(() =>
			this.#db
				.prepare(
					`INSERT OR REPLACE INTO gateway_certificate (name, owner, chain, sealed_key, failures, ordered_at, reason)
					 VALUES (?, ?, ?, ?, ?, ?, ?)`,
				)
				.run(name, owner, issued?.chain ?? null, sealed, failures, orderedAt, reason),
		)
	}

	remove(name: string): void {
		this.#db.transaction(() => this.#db.prepare('DELETE FROM gateway_certificate WHERE name = ?').run(name))
	}

	/** The key of the account at this ACME server (PEM); null before the first order. */
	accountKey(directory: string): string | null {
		const row = this.#db.prepare('SELECT sealed_key FROM acme_account WHERE directory = ?').get(directory)
		return row ? this.#keyring.open(String(row.sealed_key), `account ${directory}`) : null
	}

	putAccountKey(directory: string, key: string): void {
		const sealed = this.#keyring.seal(key, `account ${directory}`)
		this.#db.transaction(() =>
			this.#db.prepare('INSERT INTO acme_account (directory, sealed_key) VALUES (?, ?)').run(directory, sealed),
		)
	}

	#open(row: Row): GatewayCertificate {
		const name = String(row.name)
		const { chain, sealed_key: sealed } = row
		const issued =
			typeof chain === 'string' && typeof sealed === 'string'
				? { chain, key: this.#keyring.open(sealed, `certificate ${name}`) }
				: null
		return {
			name,
			owner: String(row.owner),
			issued,
			failures: Number(row.failures),
			orderedAt: Number(row.ordered_at),
			reason: row.reason === null ? null : String(row.reason),
		}
	}
}
