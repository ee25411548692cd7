import type { Queries } from './database.server.ts'
import { hashOf, newSecret } from './ids.server.ts'

/** Answers the secret of the cookie; the database keeps its hash only. */
export async function createSession(
	queries: Queries,
	session: { userId: string; address: string; expiresAt: Date },
): Promise<string> {
	const { secret, hash } = newSecret()
	await queries.session.create({ data: { ...session, hash } })
	return secret
}

export async function findSession(queries: Queries, secret: string, now: Date) {
	const row = await queries.session.findUnique({
		where: { hash: hashOf(secret) },
		select: { hash: true, userId: true, lastSeenAt: true, expiresAt: true },
	})
	return row && row.expiresAt > now ? row : null
}

export async function extendSession(queries: Queries, hash: string, seen: { lastSeenAt: Date; expiresAt: Date }) {
	await queries.session.updateMany({ where: { hash }, data: seen })
}

export async function deleteSession(queries: Queries, secret: string): Promise<string | null> {
	const hash = hashOf(secret)
	const row = await queries.session.findUnique({ where: { hash }, select: { userId: true } })
	await queries.session.deleteMany({ where: { hash } })
	return row?.userId ?? null
}

/** Where this user is logged in by a browser, last seen first. */
export async function sessionsOf(queries: Queries, userId: string, now: Date) {
	return queries.session.findMany({
		where: { userId, expiresAt: { gt: now } },
		orderBy: { lastSeenAt: 'desc' },
		select: { hash: true, address: true, createdAt: true, lastSeenAt: true, expiresAt: true },
	})
}

export async function deleteSessionOf(queries: Queries, userId: string, hash: string): Promise<boolean> {
	return (await queries.session.deleteMany({ where: { hash, userId } })).count > 0
}
