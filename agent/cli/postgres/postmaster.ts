import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LatticeError } from '../../protocol/index.ts'
import { readIfThere } from '../private-file.ts'
import type { Cluster } from './cluster.ts'

/**
 * Small and durable: 62 MB resident, fsync on. No socket file (paths of a deep home are too long for one); loopback
 * with SCRAM only. io_method=sync saves the three I/O workers of PostgreSQL 18, which an idle console never uses;
 * no replication launcher for the same reason.
 */
export function postmasterArguments(cluster: Cluster, port: number): string[] {
	const settings = {
		listen_addresses: '127.0.0.1',
		port: String(port),
		unix_socket_directories: '',
		shared_buffers: '32MB',
		max_connections: '50',
		io_method: 'sync',
		jit: 'off',
		max_logical_replication_workers: '0',
		timezone: 'UTC',
		log_timezone: 'UTC',
	}
	return [
		'-D',
		cluster.dataDirectory,
		...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
	]
}

/** The state that the server itself writes into postmaster.pid; what pg_ctl waits for too. */
export function postmasterIsReady(dataDirectory: string, pid: number): boolean {
	const lines = readIfThere(join(dataDirectory, 'postmaster.pid'))?.split('\n') ?? []
	return Number(lines[0]) === pid && lines[7]?.trim() === 'ready'
}

/**
 * After a kill -9 of the supervisor the old server may still be shutting down, or its pid file may name a process that
 * is something else by now. The caller holds the home's lock, so a server on this data is nobody's.
 */
export async function clearOldPostmaster(dataDirectory: string): Promise<void> {
	const pidFile = join(dataDirectory, 'postmaster.pid')
	const pid = Number(readIfThere(pidFile)?.split('\n')[0])
	if (!pid) return
	for (const [signal, waitMs] of [
		['SIGINT', 5_000],
		['SIGQUIT', 3_000],
		['SIGKILL', 2_000],
	] as const) {
		if (!isPostmasterOf(dataDirectory, pid)) break
		signalIfThere(pid, signal)
		const deadline = Date.now() + waitMs
		while (isPostmasterOf(dataDirectory, pid) && Date.now() < deadline) await sleep(20)
	}
	if (isPostmasterOf(dataDirectory, pid)) {
		throw new LatticeError(
			'DATABASE_UNAVAILABLE',
			`An old PostgreSQL (process ${pid}) does not stop; end it by hand.`,
			{ pid },
		)
	}
	rmSync(pidFile, { force: true })
}

function isPostmasterOf(dataDirectory: string, pid: number): boolean {
	const args = commandLine(pid)
	return args?.includes('postgres') === true && args.includes(dataDirectory)
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
	try {
		process.kill(pid, signal)
	} catch (error) {
		if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
	}
}

function commandLine(pid: number): string | null {
	try {
		if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
		return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
	} catch {
		// no such process
		return null
	}
}
