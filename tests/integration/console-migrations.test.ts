import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { migrate } from '../../app/models/migrate.server.ts'
import { type PostgresServer, startPostgres } from './console-postgres.ts'
import { readDatabase, readSchema } from './console-schema.ts'

const MIGRATIONS = path.resolve(import.meta.dirname, '../../prisma/migrations')
let server: PostgresServer

beforeAll(async () => {
	server = await startPostgres()
})
afterAll(() => server.close())

async function query<T extends pg.QueryResultRow>(url: string, sql: string): Promise<T[]> {
	const client = new pg.Client({ connectionString: url })
	await client.connect()
	try {
		return (await client.query<T>(sql)).rows
	} finally {
		await client.end()
	}
}

/** A copy of the migrations with one more, as a newer version of the code would have it. */
async function withMigration(name: string, sql: string, use: (folder: string) => Promise<void>): Promise<void> {
	const folder = await mkdtemp('/tmp/lattice-test-migrations-')
	try {
		await cp(MIGRATIONS, folder, { recursive: true })
		await mkdir(path.join(folder, name))
		await writeFile(path.join(folder, name, 'migration.sql'), sql)
		await use(folder)
	} finally {
		await rm(folder, { recursive: true, force: true })
	}
}

describe('migrations', () => {
	it('apply once, and record themselves as Prisma does', async () => {
		const url = await server.createDatabase()
		const applied = await migrate(url)
		expect(applied.length).toBeGreaterThan(0)
		expect(await migrate(url)).toEqual([])
		const rows = await query(
			url,
			'SELECT migration_name, checksum, finished_at, applied_steps_count FROM _prisma_migrations',
		)
		expect(rows.map((row) => row.migration_name)).toEqual(applied)
		for (const row of rows) {
			expect(row.checksum).toMatch(/^[0-9a-f]{64}$/)
			expect(row.finished_at).toBeInstanceOf(Date)
			expect(row.applied_steps_count).toBe(1)
		}
	})

	it('apply once when several consoles start in the same instant', async () => {
		const url = await server.createDatabase()
		const all = await Promise.all(Array.from({ length: 6 }, () => migrate(url)))
		expect(all.filter((applied) => applied.length > 0)).toHaveLength(1)
	})

	it('leave nothing behind when one fails', async () => {
		const url = await server.createDatabase()
		await withMigration('20990101000000_bad', 'CREATE TABLE half (id int); SELECT 1/0;', async (folder) => {
			await expect(migrate(url, folder)).rejects.toThrow('division by zero')
		})
		const tables = await query(url, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'")
		expect(tables).toEqual([])
	})

	it('refuse a database that is newer than the code', async () => {
		const url = await server.createDatabase()
		await withMigration('20990101000000_later', 'CREATE TABLE later (id int);', async (folder) => {
			await migrate(url, folder)
		})
		await expect(migrate(url)).rejects.toMatchObject({
			code: 'NOT_READY',
			message: expect.stringContaining('20990101000000_later'),
		})
	})

	it('refuse a database whose migration is not the one of this code', async () => {
		const url = await server.createDatabase()
		await migrate(url)
		await query(url, "UPDATE _prisma_migrations SET checksum = repeat('0', 64)")
		await expect(migrate(url)).rejects.toMatchObject({ code: 'NOT_READY' })
	})

	it('answer DATABASE_UNAVAILABLE when nothing listens', async () => {
		await expect(migrate('postgresql://nobody@127.0.0.1:1/none')).rejects.toMatchObject({
			code: 'DATABASE_UNAVAILABLE',
		})
	})

	it('make exactly what prisma/schema.prisma says', async () => {
		const url = await server.createDatabase()
		await migrate(url)
		expect(await readDatabase(url)).toEqual(await readSchema(path.resolve(MIGRATIONS, '../schema.prisma')))
	})
})
