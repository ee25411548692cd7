import { createHash } from 'node:crypto'
import { LatticeError } from '../../agent/protocol/index.ts'
import type { Database } from '../models/database.server.ts'
import { recentFailures, recordFailure } from '../models/login-failure.server.ts'
import { KeyedQueue } from './keyed-queue.server.ts'

/** contract.md: only failures count, 10 per 15 minutes per account and address. */
const MAX_FAILURES = 10
const WINDOW_MS = 15 * 60_000
/** Tries of one account and address are checked one after the other, so that a burst cannot pass the limit; this many may wait. */
const MAX_WAITING = 20

export class LoginLimit {
	readonly #database: Database
	readonly #now: () => number
	readonly #queue = new KeyedQueue()

	constructor(database: Database, now: () => number = Date.now) {
		this.#database = database
		this.#now = now
	}

	/** Runs one try; `null` from it is a failure and counts. RATE_LIMITED says after how many seconds to try again. */
	async attempt<T>(who: { email: string; address: string }, verify: () => Promise<T | null>): Promise<T | null> {
		const key = createHash('sha256').update(`${who.email}\n${who.address}`).digest('base64url')
		if (this.#queue.waiting(key) >= MAX_WAITING) throw limited(1)
		return this.#queue.run(key, async () => {
			await this.#refuseLimited(key)
			const result = await verify()
			if (result === null) await recordFailure(this.#database, key, new Date(this.#now()))
			return result
		})
	}

	async #refuseLimited(key: string): Promise<void> {
		const now = this.#now()
		const failures = await recentFailures(this.#database, key, new Date(now - WINDOW_MS), MAX_FAILURES)
		const [oldest] = failures
		if (oldest === undefined || failures.length < MAX_FAILURES) return
		throw limited(Math.max(1, Math.ceil((oldest.getTime() + WINDOW_MS - now) / 1000)))
	}
}

function limited(retryAfterSeconds: number): LatticeError {
	return new LatticeError(
		'RATE_LIMITED',
		`Too many failed logins for this account from this address. Try again in ${describe(retryAfterSeconds)}.`,
		{ retryAfterSeconds },
	)
}

function describe(seconds: number): string {
	if (seconds < 90) return `${seconds} seconds`
	return `${Math.ceil(seconds / 60)} minutes`
}
