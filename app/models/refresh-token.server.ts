import { randomUUID } from 'node:crypto'
import { type Database, inTransaction, type Queries } from './database.server.ts'
import { hashOf, newSecret } from './ids.server.ts'

/** One login of an API client: answers its first refresh token. */
export async function createRefreshFamily(
	queries: Queries,
	family: { userId: string; expiresAt: Date },
): Promise<string> {
	const { secret, hash } = newSecret()
	await queries.refreshFamily.create({ data: { ...family, id: randomUUID(), tokens: { create: { hash } } } })
	return secret
}

export type Rotation =
	| { outcome: 'rotated'; userId: string; refreshToken: string }
	| { outcome: 'unknown' | 'expired' }
	| { outcome: 'revoked'; userId: string }
	/** a spent token came again: it was stolen, or its answer was; the family is revoked */
	| { outcome: 'reused'; userId: string }

/**
 * Spends a refresh token for the next of its family. The family's row is locked first, so that a reuse that races
 * with a rotation is seen and also ends the token that the rotation made.
 */
export async function rotateRefreshToken(database: Database, secret: string, now: Date): Promise<Rotation> {
	const hash = hashOf(secret)
	return inTransaction(database, async (queries) => {
		const found = await queries.refreshToken.findUnique({ where: { hash }, select: { familyId: true } })
		if (found === null) return { outcome: 'unknown' }
		await queries.$queryRaw`SELECT 1 FROM "RefreshFamily" WHERE id = ${found.familyId} FOR UPDATE`
		const token = await queries.refreshToken.findUnique({ where: { hash }, include: { family: true } })
		if (token === null) return { outcome: 'unknown' }
		const { family } = token
		if (family.revokedAt !== null) return { outcome: 'revoked', userId: family.userId }
		if (token.usedAt !== null) {
			const data = { revokedAt: now, revokedReason: 'reuse' }
			await queries.refreshFamily.update({ where: { id: family.id }, data })
			return { outcome: 'reused', userId: family.userId }
		}
		if (family.expiresAt <= now) return { outcome: 'expired' }
		const next = newSecret()
		await queries.refreshToken.update({ where: { hash }, data: { usedAt: now } })
		await queries.refreshToken.create({ data: { hash: next.hash, familyId: family.id } })
		return { outcome: 'rotated', userId: family.userId, refreshToken: next.secret }
	})
}

/** Logins of API clients that could still be renewed; last seen when a token of theirs was last spent. */
export async function loginsOf(queries: Queries, userId: string, now: Date) {
	const rows = await queries.refreshFamily.findMany({
		where: { userId, revokedAt: null, expiresAt: { gt: now } },
		orderBy: { createdAt: 'desc' },
		include: { tokens: { orderBy: { createdAt: 'desc' }, take: 1, select: { createdAt: true } } },
	})
	return rows.map(({ id, createdAt, expiresAt, tokens }) => ({
		id,
		createdAt,
		expiresAt,
		lastSeenAt: tokens[0]?.createdAt ?? createdAt,
	}))
}

export async function revokeLogin(queries: Queries, userId: string, id: string, now: Date): Promise<boolean> {
	const data = { revokedAt: now, revokedReason: 'by its user' }
	return (await queries.refreshFamily.updateMany({ where: { id, userId, revokedAt: null }, data })).count > 0
}
