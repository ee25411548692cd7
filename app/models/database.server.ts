import { Socket } from 'node:net'
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'
import { databaseError } from './database-error.server.ts'
import { PrismaClient } from './generated/client.ts'

/** Connections of one console. PostgreSQL's default is 100 in all; several consoles may share a database. */
const POOL_SIZE = 10
const CONNECT_TIMEOUT_MS = 5_000
/** No query of ours takes nearly as long; a server that hangs, or a network that swallows, must not hold a request for ever. */
const SILENCE_TIMEOUT_MS = 8_000

/**
 * Opens the pool; nothing is dialled before the first query. Every query fails with DATABASE_UNAVAILABLE when the
 * server does not answer, so no caller has to know Prisma's codes.
 */
export function openDatabase(databaseUrl: string, onIdleError: (error: Error) => void) {
	const pool = new pg.Pool({
		connectionString: databaseUrl,
		max: POOL_SIZE,
		connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
		keepAlive: true,
	})
	limitSilence(pool)
	// A server that restarts breaks idle connections; the pool makes new ones, but an unheard 'error' ends the process.
	const listeners = { onPoolError: onIdleError, onConnectionError: onIdleError }
	const adapter = new PrismaPg(pool, { ...listeners, disposeExternalPool: true })
	return new PrismaClient({ adapter, transactionOptions: { maxWait: CONNECT_TIMEOUT_MS, timeout: 10_000 } }).$extends({
		query: {
			$allOperations: async ({ args, query }) => {
				try {
					return await query(args)
				} catch (error) {
					throw databaseError(error)
				}
			},
		},
	})
}

/**
 * Cuts a connection that is in use and hears nothing. Not pg's `query_timeout`, which leaves the connection to the next
 * caller, inside whatever transaction stood open on it.
 */
function limitSilence(pool: pg.Pool): void {
	pool.on('acquire', ({ connection: { stream } }: pg.PoolClient) => {
		if (stream instanceof Socket) stream.setTimeout(SILENCE_TIMEOUT_MS, cut)
	})
	pool.on('release', (_error: Error, { connection: { stream } }: pg.PoolClient) => {
		if (stream instanceof Socket) stream.setTimeout(0, cut)
	})
}

function cut(this: Socket): void {
	this.destroy()
}

export type Database = ReturnType<typeof openDatabase>
/** What a model needs: the database itself or a transaction on it. */
export type Queries = Omit<Database, '$extends' | '$transaction' | '$connect' | '$disconnect' | '$on' | '$use'>

/** All or nothing. Beginning and committing fail as typed as the queries between. */
export async function inTransaction<T>(database: Database, work: (queries: Queries) => Promise<T>): Promise<T> {
	try {
		return await database.$transaction((transaction) => work(transaction))
	} catch (error) {
		throw databaseError(error)
	}
}
