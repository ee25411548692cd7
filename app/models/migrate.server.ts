import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { LatticeError } from '../../agent/protocol/index.ts'
import { databaseError } from './database-error.server.ts'

const MIGRATIONS = path.join(import.meta.dirname, '../../prisma/migrations')

/** The key of Prisma's own migration lock, so that `prisma migrate deploy` and a starting console exclude each other. */
const PRISMA_LOCK = 72707369

interface Migration {
	name: string
	sql: string
	/** Prisma's: SHA-256 of the file, hex */
	checksum: string
}

interface AppliedRow {
	migration_name: string
	checksum: string
	finished_at: Date | null
	rolled_back_at: Date | null
}

/**
 * Brings the database to the schema of this code; answers the names it applied.
 *
 * Prisma's own `migrate` wants a binary from the internet, so the SQL of `prisma/migrations` is applied here, and
 * recorded as Prisma does. Everything happens in one transaction under a transaction-level lock: several consoles
 * may start at once, a pooler between (Neon) keeps no session, and a failed migration leaves nothing behind.
 */
export async function migrate(databaseUrl: string, folder: string = MIGRATIONS): Promise<string[]> {
	const migrations = await readMigrations(folder)
	const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 })
	// A connection that breaks while idle is reported by the next query; without a listener it would end the process.
	client.on('error', () => undefined)
	try {
		await client.connect()
		await client.query('BEGIN')
		await client.query('SELECT pg_advisory_xact_lock($1)', [PRISMA_LOCK])
		const applied = await applyMissing(client, migrations)
		await client.query('COMMIT')
		return applied
	} catch (error) {
		throw databaseError(error)
	} finally {
		// Ends the transaction too when it did not commit.
		await client.end().catch(() => undefined)
	}
}

async function applyMissing(client: pg.Client, migrations: Migration[]): Promise<string[]> {
	await client.query(`CREATE TABLE IF NOT EXISTS _prisma_migrations (
		id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
		migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
		started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`)
	const { rows } = await client.query<AppliedRow>(
		'SELECT migration_name, checksum, finished_at, rolled_back_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
	)
	refuseForeign(rows, migrations)
	const done = new Set(rows.map((row) => row.migration_name))
	const missing = migrations.filter((migration) => !done.has(migration.name))
	for (const migration of missing) {
		const started = new Date()
		await client.query(migration.sql)
		await client.query(
			`INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
			VALUES ($1, $2, $3, $4, $5, 1)`,
			[randomUUID(), migration.checksum, migration.name, started, new Date()],
		)
	}
	return missing.map((migration) => migration.name)
}

/** Anything in the database that this code does not know means that it would misread the records: start nothing. */
function refuseForeign(rows: AppliedRow[], migrations: Migration[]): void {
	const known = new Map(migrations.map((migration) => [migration.name, migration]))
	const newer = rows.map((row) => row.migration_name).filter((name) => !known.has(name))
	if (newer.length > 0) {
		throw new LatticeError(
			'NOT_READY',
			`This database was migrated by a newer Lattice (${newer.join(', ')}). Start that version, or give this one a database of its own by DATABASE_URL.`,
			{ newer },
		)
	}
	for (const row of rows) {
		if (row.finished_at === null) {
			throw new LatticeError(
				'NOT_READY',
				`The migration ${row.migration_name} was begun by another tool and never finished. Repair it with "prisma migrate resolve", then start again.`,
				{ unfinished: row.migration_name },
			)
		}
		if (known.get(row.migration_name)?.checksum !== row.checksum) {
			throw new LatticeError(
				'NOT_READY',
				`The migration ${row.migration_name} in this database is not the one of this code. Start the version of Lattice that made this database.`,
				{ changed: row.migration_name },
			)
		}
	}
}

async function readMigrations(folder: string): Promise<Migration[]> {
	const entries = await readdir(folder, { withFileTypes: true })
	const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
	return Promise.all(
		names.sort().map(async (name) => {
			const sql = await readFile(path.join(folder, name, 'migration.sql'), 'utf8')
			return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
		}),
	)
}
