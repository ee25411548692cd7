import { z } from 'zod'
import type { Keyring } from '../identity/index.ts'
import type { Database } from './database.ts'

const Row = z.object({ version: z.number(), sealed: z.string().nullable() })
const KEY = 'ngrok-token'

/** The auth token of the lattice for ngrok as this host was last given it, sealed. */
export class NgrokToken {
	readonly #db: Database
	readonly #keyring: Keyring

	constructor(db: Database, keyring: Keyring) {
		this.#db = db
		this.#keyring = keyring
	}

	/** null: none was set, or it was taken away */
	get(): string | null {
		const sealed = this.#row()?.sealed ?? null
		return sealed === null ? null : this.#keyring.open(sealed, KEY)
	}

	/** Whether it is news: an older one that comes late changes nothing. */
	put({ token, version }: { token: string | null; version: number }): boolean {
		if (version <= (this.#row()?.version ?? 0)) return false
		const sealed = token === null ? null : this.#keyring.seal(token, KEY)
		const text = JSON.stringify({ version, sealed })
		this.#db.transaction(() =>
			this.#db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)').run(KEY, text),
		)
		return true
	}

	#row(): z.infer<typeof Row> | null {
		const row = this.#db.prepare('SELECT value FROM meta WHERE key = ?').get(KEY)
		return row ? Row.parse(JSON.parse(String(row.value))) : null
	}
}
