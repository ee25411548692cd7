import { mkdtemp, rm } from 'node:fs/promises'
import { openDatabase } from '../../app/models/database.server.ts'
import { migrate } from '../../app/models/migrate.server.ts'
import { AccountService } from '../../app/services/accounts.server.ts'
import { AuditTrail } from '../../app/services/audit.server.ts'
import { openLattice } from '../../app/services/lattice.server.ts'
import { loadMasterKeys } from '../../app/services/master-key.server.ts'
import type { PostgresServer } from './console-postgres.ts'

/** A lattice with its accounts on a fresh database, in this process: for what needs no peer and no HTTP. */
export async function consoleGround(server: PostgresServer, options: { registration?: 'open' | 'closed' } = {}) {
	const url = await server.createDatabase()
	await migrate(url)
	const home = await mkdtemp('/tmp/lattice-test-home-')
	const database = openDatabase(url, () => undefined)
	const lattice = await openLattice(database, (create) => loadMasterKeys({ home, file: null, create }))
	const audit = new AuditTrail(database)
	const clock = { offsetMs: 0 }
	const accounts = new AccountService(
		{ registration: options.registration ?? 'open', now: () => Date.now() + clock.offsetMs },
		{ database, lattice, audit, members: () => [] },
	)
	return {
		url,
		home,
		database,
		lattice,
		audit,
		accounts,
		clock,
		close: async () => {
			await database.$disconnect()
			await rm(home, { recursive: true, force: true })
		},
	}
}

export type ConsoleGround = Awaited<ReturnType<typeof consoleGround>>
