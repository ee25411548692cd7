import { type Database, inTransaction, type Queries } from './database.server.ts'
import { isUniqueViolation } from './database-error.server.ts'

/** `ngrok` is no key of the lattice's own: the auth token that its owner gave it */
export type KeyPurpose = 'root' | 'issuer' | 'cookie' | 'ngrok'

export interface LatticeKeyRow {
	kid: string
	purpose: KeyPurpose
	publicKey: string | null
	sealedSeed: string
	certificate: string | null
	notAfter: Date | null
	/** absent: the database sets it */
	createdAt?: Date
}

export interface LatticeRow {
	id: string
	rootPublicKey: string
	/** newest first */
	keys: LatticeKeyRow[]
}

export async function findLattice(queries: Queries): Promise<LatticeRow | null> {
	const row = await queries.lattice.findFirst({ include: { keys: { orderBy: { createdAt: 'desc' } } } })
	if (row === null) return null
	return { ...row, keys: row.keys.map((key) => ({ ...key, purpose: key.purpose as KeyPurpose })) }
}

/** The lattice with all its keys in one transaction; false when another console made one in the same instant. */
export async function createLattice(database: Database, lattice: LatticeRow): Promise<boolean> {
	const { id, rootPublicKey, keys } = lattice
	try {
		await inTransaction(database, (queries) =>
			queries.lattice.create({ data: { id, rootPublicKey, keys: { create: keys } } }),
		)
		return true
	} catch (error) {
		if (isUniqueViolation(error)) return false
		throw error
	}
}

export async function addLatticeKey(queries: Queries, latticeId: string, key: LatticeKeyRow): Promise<void> {
	await queries.latticeKey.create({ data: { ...key, latticeId } })
}

export async function resealLatticeKey(queries: Queries, kid: string, sealedSeed: string): Promise<void> {
	await queries.latticeKey.update({ where: { kid }, data: { sealedSeed } })
}

export interface NgrokSecret {
	/** null: it was taken away */
	sealed: string | null
	changedAt: Date
}

const NGROK = 'ngrok'

/** null: none was ever set. */
export async function readNgrokSecret(queries: Queries): Promise<NgrokSecret | null> {
	const row = await queries.latticeKey.findUnique({ where: { kid: NGROK } })
	return row && { sealed: row.sealedSeed === '' ? null : row.sealedSeed, changedAt: row.createdAt }
}

/** A row stays when the secret is taken away: hosts must hear that this is newer than what they hold. */
export async function saveNgrokSecret(queries: Queries, { sealed, changedAt }: NgrokSecret): Promise<void> {
	const lattice = await queries.lattice.findFirstOrThrow({ select: { id: true } })
	const data = { sealedSeed: sealed ?? '', createdAt: changedAt }
	await queries.latticeKey.upsert({
		where: { kid: NGROK },
		create: { ...data, kid: NGROK, latticeId: lattice.id, purpose: NGROK },
		update: data,
	})
}

/** The first user; null until somebody has registered. */
export async function latticeOwner(queries: Queries): Promise<string | null> {
	return (await queries.lattice.findFirst({ select: { ownerId: true } }))?.ownerId ?? null
}

export async function readThresholds(queries: Queries): Promise<unknown> {
	return (await queries.lattice.findFirst({ select: { thresholds: true } }))?.thresholds ?? null
}

export async function saveThresholds(queries: Queries, thresholds: Record<string, number>): Promise<void> {
	await queries.lattice.updateMany({ data: { thresholds } })
}

export async function hasOwner(queries: Queries): Promise<boolean> {
	return (await queries.lattice.count({ where: { ownerId: { not: null } } })) > 0
}
