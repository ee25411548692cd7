import { PrismaPg } from '@prisma/adapter-pg'
import { databaseError } from './database-error.server.ts'
import { PrismaClient } from './generated/client.ts'

/** Connections of one console. PostgreSQL's default is 100 in all; several consoles may share a database. */
const POOL_SIZE = 10
const CONNECT_TIMEOUT_MS = 5_000

/**
 * Opens the pool; nothing is dialled before the first query. Every query fails with DATABASE_UNAVAILABLE when the
 * server does not answer, so no caller has to know Prisma's codes.
 */
export function openDatabase(databaseUrl: string, onIdleError: (error: Error) => void) {
	const adapter = new PrismaPg(
		{
			connectionString: databaseUrl,
			max: POOL_SIZE,
			connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
			keepAlive: true,
		},
		// A server that restarts breaks idle connections; the pool makes new ones, but an unheard 'error' ends the process.
		{ onPoolError: onIdleError, onConnectionError: onIdleError },
	)
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
