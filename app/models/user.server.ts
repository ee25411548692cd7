import type { UserRole } from '../../agent/identity/index.ts'
import { type Database, inTransaction, type Queries } from './database.server.ts'
import { newUserId } from './ids.server.ts'

export interface User {
	id: string
	email: string
	passwordHash: string
	role: UserRole
	tokenVersion: number
}

/**
 * The first user owns the lattice, also when several register in the same instant: the conditional update of the one
 * lattice row lets exactly one of them through.
 */
export async function createUser(database: Database, user: { email: string; passwordHash: string }): Promise<User> {
	return inTransaction(database, async (queries) => {
		const created = await queries.user.create({ data: { ...user, id: newUserId(), role: 'member' } })
		const { count } = await queries.lattice.updateMany({ where: { ownerId: null }, data: { ownerId: created.id } })
		if (count === 0) return asUser(created)
		return asUser(await queries.user.update({ where: { id: created.id }, data: { role: 'owner' } }))
	})
}

export async function findUserByEmail(queries: Queries, email: string): Promise<User | null> {
	const row = await queries.user.findUnique({ where: { email } })
	return row && asUser(row)
}

export async function findUser(queries: Queries, id: string): Promise<User | null> {
	const row = await queries.user.findUnique({ where: { id } })
	return row && asUser(row)
}

function asUser(row: { id: string; email: string; passwordHash: string; role: string; tokenVersion: number }): User {
	const { id, email, passwordHash, tokenVersion } = row
	// Any other word in the column has the least rights.
	const role = row.role === 'owner' || row.role === 'admin' ? row.role : 'member'
	return { id, email, passwordHash, role, tokenVersion }
}
