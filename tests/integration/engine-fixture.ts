import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { until } from './until.ts'

const run = promisify(execFile)

/** The engine of this test run (LATTICE_TEST_DOCKER, set by `./lattice test`). */
export const TEST_ENGINE = process.env.LATTICE_TEST_DOCKER ?? 'unix:///run/docker.sock'
const PID_FILE = '/run/docker.pid'

/** Asks the engine behind the product's back. */
export async function docker(...args: string[]): Promise<string> {
	const { stdout } = await run('docker', ['--host', TEST_ENGINE, ...args])
	return stdout.trim()
}

export interface Remains {
	containers: string[]
	volumes: string[]
	networks: string[]
}

/** What an agent made and has not removed, optionally of one workload. */
export async function remainsOf(peerId: string, workloadId?: string): Promise<Remains> {
	const filters = [`label=lattice.node=${peerId}`]
	if (workloadId !== undefined) filters.push(`label=lattice.workload=${workloadId}`)
	const filter = filters.flatMap((each) => ['--filter', each])
	const lines = async (...args: string[]) => (await docker(...args, ...filter)).split('\n').filter(Boolean)
	const [containers, volumes, networks] = await Promise.all([
		lines('ps', '--all', '--quiet'),
		lines('volume', 'ls', '--quiet'),
		lines('network', 'ls', '--quiet'),
	])
	return { containers, volumes, networks }
}

export async function removeLeftovers(peerId: string): Promise<void> {
	const { containers, volumes, networks } = await remainsOf(peerId)
	if (containers.length > 0) await docker('rm', '--force', '--volumes', ...containers)
	if (volumes.length > 0) await docker('volume', 'rm', ...volumes)
	if (networks.length > 0) await docker('network', 'rm', ...networks)
}

/**
 * Stops the engine of this test run as its service manager would, and gives back how to start it again: with its own
 * words, since they name control group, certificates and data.
 */
export async function stopEngine(): Promise<() => Promise<void>> {
	const pid = Number(readFileSync(PID_FILE, 'utf8'))
	const [file = '', ...args] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
	const env = Object.fromEntries(
		readFileSync(`/proc/${pid}/environ`, 'utf8')
			.split('\0')
			.filter((line) => line.includes('='))
			.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
	)
	const containerd = Number(readFileSync('/run/docker/containerd/containerd.pid', 'utf8'))
	process.kill(pid, 'SIGTERM')
	// until both are reaped: the next engine takes the zombie of this one's containerd for a living one, and fails
	await until('the end of the engine', 40_000, () => ![pid, containerd].some((each) => existsSync(`/proc/${each}`)))
	return async () => {
		spawn(file, args, { cwd: '/', env: env as NodeJS.ProcessEnv, stdio: 'ignore', detached: true }).unref()
		await until('the engine answering', 60_000, engineAnswers)
	}
}

async function engineAnswers(): Promise<boolean> {
	try {
		await docker('version')
		return true
	} catch {
		return false // not yet
	}
}
