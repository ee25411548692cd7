import type { Queries } from './database.server.ts'
import { isUniqueViolation } from './database-error.server.ts'

/** False when this grant was obeyed before, by this console or another on the same database. */
export async function markGrantSeen(queries: Queries, jti: string, expiresAt: Date): Promise<boolean> {
	try {
		await queries.seenGrant.create({ data: { jti, expiresAt } })
		return true
	} catch (error) {
		if (isUniqueViolation(error)) return false
		throw error
	}
}
