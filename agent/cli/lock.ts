import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { LatticeError } from '../protocol/index.ts'

export interface FileLock {
	release(): void
}

/** A lock that nobody refers to any more would be collected, and let go with it: seen once under load. */
const held = new Set<DatabaseSync>()

/**
 * An exclusive lock on a file, or null when another process holds it. The lock is SQLite's own byte-range lock: the
 * kernel drops it with its process, so a crash leaves nothing stale, and it needs neither a native module nor flock(1).
 */
export function tryLock(path: string): FileLock | null {
	closeSync(openSync(path, 'a', 0o600))
	const database = new DatabaseSync(path, { timeout: 0 })
	try {
		database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
	} catch (error) {
		database.close()
		if (isBusy(error)) return null
		throw error
	}
	held.add(database)
	return {
		release: () => {
			if (held.delete(database)) database.close()
		},
	}
}

export async function waitForLock(path: string, waitMs: number): Promise<FileLock> {
	const deadline = Date.now() + waitMs
	for (;;) {
		const lock = tryLock(path)
		if (lock) return lock
		if (Date.now() > deadline) {
			throw new LatticeError('TIMEOUT', `Another lattice command holds ${path}; wait for it to end and try again.`)
		}
		await sleep(20)
	}
}

const SQLITE_BUSY = 5

function isBusy(error: unknown): boolean {
	return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}
