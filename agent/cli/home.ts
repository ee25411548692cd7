import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { LatticeError } from '../protocol/index.ts'
import { type FileLock, tryLock } from './lock.ts'
import { readIfThere } from './private-file.ts'

/** Where this lattice keeps its files on this machine (INTERFACES: HOME layout). */
export interface Home {
	path: string
	file(...segments: string[]): string
}

export function homeAt(path: string | undefined): Home {
	const absolute = resolve(path || join(homedir(), '.lattice'))
	return { path: absolute, file: (...segments) => join(absolute, ...segments) }
}

/** An existing folder keeps its mode: `--home /tmp` must not close /tmp to everyone else. Secrets inside are 0600. */
export function createHome(home: Home): void {
	try {
		mkdirSync(home.path, { recursive: true, mode: 0o700 })
	} catch (cause) {
		throw new LatticeError(
			'INVALID_INPUT',
			`--home: ${home.path} cannot be made (${cause instanceof Error ? cause.message : String(cause)}); give a folder that you may write.`,
			{ home: home.path },
			{ cause },
		)
	}
}

/** One supervisor a home: two would fight over the database and the agent's key. */
export function lockHome(home: Home, command: string): FileLock {
	createHome(home)
	const lock = tryLock(home.file('lock'))
	if (!lock) {
		const { pid } = holderOf(home)
		throw new LatticeError(
			'INVALID_INPUT',
			`--home: ${home.path} is in use by another lattice${pid !== null ? ` (process ${pid})` : ''}; stop it first, or give this one a home of its own with --home.`,
			{ home: home.path, pid },
		)
	}
	writeFileSync(home.file('lock.pid'), `${process.pid} ${command}\n`)
	return lock
}

/** The command that runs on this home (`up`, `join`, `agent`, `console`), or null. */
export function runningCommand(home: Home): string | null {
	if (!existsSync(home.file('lock'))) return null
	const lock = tryLock(home.file('lock'))
	lock?.release()
	return lock ? null : holderOf(home).command
}

/** For people only: what counts is the lock. */
function holderOf(home: Home): { pid: number | null; command: string } {
	const [pid, command = 'command'] = readIfThere(home.file('lock.pid'))?.trim().split(' ') ?? []
	return { pid: pid ? Number(pid) : null, command }
}

/** The agent has joined: it needs no invite any more. */
export function isEnrolled(home: Home): boolean {
	return existsSync(home.file('agent', 'enrolment.json'))
}
