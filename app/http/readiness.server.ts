import type { Database } from '../models/database.server.ts'

const PROBE_MS = 2_000

export interface ReadinessModules {
	database: Database
	/** addresses of the console's own peer */
	addresses: () => string[]
}

/** What is missing, each with its remedy; empty when the console can do its work. */
export async function missingParts({
	database,
	addresses,
}: ReadinessModules): Promise<{ part: string; reason: string }[]> {
	const missing: { part: string; reason: string }[] = []
	if (!(await answers(database))) {
		missing.push({
			part: 'database',
			reason: 'PostgreSQL does not answer; check that it runs and that DATABASE_URL is right.',
		})
	}
	if (addresses().length === 0)
		missing.push({ part: 'mesh', reason: 'The mesh peer does not listen; see the log of the console.' })
	return missing
}

async function answers(database: Database): Promise<boolean> {
	const { promise: late, resolve } = Promise.withResolvers<boolean>()
	const timer = setTimeout(() => resolve(false), PROBE_MS)
	const probe = database.$queryRaw`SELECT 1`.then(
		() => true,
		// Whatever it is: a database that cannot answer this is not ready, and the log of the query has the cause.
		() => false,
	)
	const answered = await Promise.race([probe, late])
	clearTimeout(timer)
	return answered
}
