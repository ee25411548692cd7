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
