import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { LatticeError } from '../../protocol/index.ts'
import type { Home } from '../home.ts'
import { readIfThere, readJsonFile, writePrivateJson } from '../private-file.ts'
import { type Account, serverAccount } from './account.ts'
import { type Binaries, locateBinaries } from './binaries.ts'

const USER = 'lattice'
const DATABASE = 'lattice'

/** HOME/postgres.json: where the data is, and the password of its one account. */
const ClusterRecord = z.object({ directory: z.string(), password: z.string() })
type ClusterRecord = z.infer<typeof ClusterRecord>

export interface Cluster {
	account: Account | null
	binaries: Binaries
	dataDirectory: string
	urlAt(port: number): string
}

/** The database of this home, made on first use (1.5 s). */
export function openCluster(home: Home): Cluster {
	const record = recordOf(home)
	const dataDirectory = join(record.directory, 'data')
	const account = serverAccount(dataDirectory)
	const binaries = locateBinaries(account)
	if (!existsSync(join(dataDirectory, 'PG_VERSION'))) initialise(record, dataDirectory, account, binaries)
	refuseOtherMajor(dataDirectory, binaries)
	return {
		account,
		binaries,
		dataDirectory,
		urlAt: (port) => `postgresql://${USER}:${record.password}@127.0.0.1:${port}/${DATABASE}`,
	}
}

/**
 * As root the server runs as another account, which cannot enter a 0700 home; its data is then in /var/lib/lattice,
 * under an id that only this home knows.
 */
function recordOf(home: Home): ClusterRecord {
	const path = home.file('postgres.json')
	const existing = readJsonFile(path, ClusterRecord)
	if (existing) return existing
	const directory =
		process.getuid?.() === 0 ? join('/var/lib/lattice', randomBytes(8).toString('hex')) : home.file('postgres')
	const record = { directory, password: randomBytes(24).toString('base64url') }
	writePrivateJson(path, record)
	return record
}

/** Made beside its place and renamed, so that a start that was cut short begins anew. */
function initialise(record: ClusterRecord, dataDirectory: string, account: Account | null, binaries: Binaries): void {
	mkdirSync(dirname(record.directory), { recursive: true, mode: 0o755 })
	mkdirSync(record.directory, { recursive: true, mode: 0o700 })
	const draft = join(record.directory, 'data.new')
	const passwordFile = join(record.directory, 'password')
	rmSync(draft, { recursive: true, force: true })
	rmSync(passwordFile, { force: true })
	writeFileSync(passwordFile, record.password, { mode: 0o600 })
	if (account) for (const path of [record.directory, passwordFile]) chownSync(path, account.uid, account.gid)
	try {
		const options = { ...account, cwd: record.directory, encoding: 'utf8' } as const
		const encoding = ['--encoding=UTF8', '--locale-provider=builtin', '--locale=C.UTF-8', '--no-instructions']
		const authority = [`--username=${USER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256']
		check('initdb', spawnSync(binaries.initdb, [`--pgdata=${draft}`, ...authority, ...encoding], options))
		// A single-user session makes the database before anyone can connect: no client and no port are needed.
		const input = `CREATE DATABASE ${DATABASE};\n`
		check('createdb', spawnSync(binaries.postgres, ['--single', '-D', draft, 'postgres'], { ...options, input }))
		renameSync(draft, dataDirectory)
	} finally {
		rmSync(passwordFile, { force: true })
	}
}

function check(step: string, result: SpawnSyncReturns<string>): void {
	if (result.status === 0) return
	const said = (result.stderr || result.error?.message || '').trim().split('\n').slice(-3).join(' ')
	throw new LatticeError('DATABASE_UNAVAILABLE', `The database could not be made (${step}: ${said}).`, { step })
}

function refuseOtherMajor(dataDirectory: string, binaries: Binaries): void {
	const stored = readIfThere(join(dataDirectory, 'PG_VERSION'))?.trim()
	const major = binaries.version.split('.')[0]
	if (stored === major) return
	throw new LatticeError(
		'DATABASE_UNAVAILABLE',
		`${dataDirectory} was made by PostgreSQL ${stored}, this release brings ${major}; see docs/deployment.md, "Upgrading PostgreSQL".`,
		{ stored, major },
	)
}
