import type { Database } from '../models/database.server.ts'
import { deleteExpired } from '../models/expiry.server.ts'
import { holdLease } from '../models/lease.server.ts'
import { deleteOldPoints } from '../models/metric.server.ts'
import type { CredentialStore } from './credentials.server.ts'

const INTERVAL_MS = 3_600_000
/** A little less than the interval, so that of several consoles one does it each time. */
const LEASE_S = 3_000

export interface HousekeepingModules {
	database: Database
	credentials: CredentialStore
	holder: string
	log: { warn(facts: object, message: string): void }
}

/** Single-runner work: removes what has ended, and seals secrets anew after a rotation of the master key. */
export function startHousekeeping({ database, credentials, holder, log }: HousekeepingModules): { stop(): void } {
	const run = async () => {
		if (!(await holdLease(database, 'housekeeping', holder, LEASE_S))) return
		await deleteExpired(database, new Date())
		await deleteOldPoints(database, new Date())
		await credentials.reseal()
	}
	const start = () => {
		run().catch((error: unknown) => log.warn({ err: error }, 'housekeeping failed; it is tried again in an hour'))
	}
	// After the start has settled: nothing waits for it.
	const first = setTimeout(start, 10_000).unref()
	const timer = setInterval(start, INTERVAL_MS).unref()
	return {
		stop: () => {
			clearTimeout(first)
			clearInterval(timer)
		},
	}
}
