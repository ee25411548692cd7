import type { Queries } from './database.server.ts'

/** Times of the newest failures after `since`, oldest first, at most `limit` of them. */
export async function recentFailures(queries: Queries, key: string, since: Date, limit: number): Promise<Date[]> {
	const rows = await queries.loginFailure.findMany({
		where: { key, at: { gt: since } },
		orderBy: { at: 'desc' },
		take: limit,
		select: { at: true },
	})
	return rows.map((row) => row.at).reverse()
}

export async function recordFailure(queries: Queries, key: string, at: Date): Promise<void> {
	await queries.loginFailure.create({ data: { key, at } })
}
