import { execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
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
export async function remainsOf(peerId: string, workloadId?: string, ask = docker): Promise<Remains> {
	const filters = [`label=lattice.node=${peerId}`]
	if (workloadId !== undefined) filters.push(`label=lattice.workload=${workloadId}`)
	const filter = filters.flatMap((each) => ['--filter', each])
	const lines = async (...args: string[]) => (await ask(...args, ...filter)).split('\n').filter(Boolean)
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
export function stopEngine(): Promise<() => Promise<void>> {
	return stopped(TEST_ENGINE, PID_FILE, '/run/docker/containerd/containerd.pid')
}

interface Words {
	file: string
	args: string[]
	env: NodeJS.ProcessEnv
}

function wordsOf(pid: number): Words {
	const listOf = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0').filter(Boolean)
	const [file = '', ...args] = listOf('cmdline')
	const pairs = listOf('environ').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])
	return { file, args, env: Object.fromEntries(pairs) }
}

async function started(host: string, { file, args, env }: Words): Promise<void> {
	spawn(file, args, { cwd: '/', env, stdio: 'ignore', detached: true }).unref()
	await until(`the engine at ${host} answering`, 60_000, () => engineAnswers(host))
}

async function stopped(host: string, pidFile: string, containerdPidFile: string): Promise<() => Promise<void>> {
	const [pid, containerd] = [pidFile, containerdPidFile].map((file) => Number(readFileSync(file, 'utf8')))
	const words = wordsOf(Number(pid))
	process.kill(Number(pid), 'SIGTERM')
	// until both are reaped: the next engine takes the zombie of this one's containerd for a living one, and fails
	await until('the end of the engine', 40_000, () => ![pid, containerd].some((each) => existsSync(`/proc/${each}`)))
	return () => started(host, words)
}

async function engineAnswers(host: string): Promise<boolean> {
	try {
		await run('docker', ['--host', host, 'version'])
		return true
	} catch {
		return false // not yet
	}
}

/** An engine of one file of tests: it may be stopped and filled, and others do not feel it. */
export interface OwnEngine {
	dockerHost: string
	docker(...args: string[]): Promise<string>
	stop(): Promise<() => Promise<void>>
	remove(): Promise<void>
}

/** On a disk of its own with room for bytes (memory, when used), and for this many files. */
export async function startOwnEngine({ files, images }: { files: number; images: string[] }): Promise<OwnEngine> {
	const folder = await mkdtemp('/run/lattice-engine-')
	const place = (name: string) => join(folder, name)
	const bridge = `own${process.pid % 1_000_000}`
	const dockerHost = `unix://${place('docker.sock')}`
	await mkdir(place('data'))
	await run('mount', ['-t', 'tmpfs', '-o', `size=4g,nr_inodes=${files}`, 'tmpfs', place('data')])
	await run('ip', ['link', 'add', bridge, 'type', 'bridge'])
	await run('ip', ['address', 'add', '10.77.255.1/24', 'dev', bridge])
	const { file, args, env } = wordsOf(Number(readFileSync(PID_FILE, 'utf8')))
	const own = {
		...{ host: dockerHost, pidfile: place('docker.pid'), 'data-root': place('data'), 'exec-root': place('exec') },
		// the other engine's rules are not touched; published ports go by the proxy
		...{ bridge, iptables: 'false' },
	}
	await started(dockerHost, {
		file,
		env,
		args: [...args, ...Object.entries(own).map(([key, value]) => `--${key}=${value}`)],
	})
	const docker = async (...words: string[]) => (await run('docker', ['--host', dockerHost, ...words])).stdout.trim()
	const archive = place('images.tar')
	await run('docker', ['--host', TEST_ENGINE, 'save', '--output', archive, ...images])
	await docker('load', '--input', archive)
	const stop = () => stopped(dockerHost, place('docker.pid'), place('exec/containerd/containerd.pid'))
	return {
		dockerHost,
		docker,
		stop,
		async remove() {
			const containers = await docker('ps', '--all', '--quiet')
			if (containers !== '') await docker('rm', '--force', ...containers.split('\n'))
			// an engine that ends leaves its bridges, which would take the next engine's packets
			await docker('network', 'prune', '--force')
			await stop()
			await run('umount', [place('data')])
			await run('ip', ['link', 'delete', bridge])
			await rm(folder, { recursive: true, force: true })
		},
	}
}
