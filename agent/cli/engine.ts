import { execFileSync, spawn } from 'node:child_process'
import { accessSync, constants, existsSync, openSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { LatticeError } from '../protocol/index.ts'
import type { Terminal } from './terminal.ts'

export const DEFAULT_DOCKER_HOST = 'unix:///var/run/docker.sock'
const DOCKERD_LOG = '/var/log/lattice-dockerd.log'
const START_TIMEOUT_MS = 60_000

export type EngineAnswer = 'answers' | 'forbidden' | 'silent'

/** Asks the engine itself; a socket file proves nothing. */
export function pingEngine(dockerHost: string, timeoutMs = 3_000): Promise<EngineAnswer> {
	return new Promise((resolve) => {
		const url = new URL(dockerHost)
		const target =
			url.protocol === 'unix:' ? { socketPath: url.pathname } : { host: url.hostname, port: url.port || 2375 }
		const ping = request({ ...target, path: '/_ping', timeout: timeoutMs }, (response) => {
			response.resume()
			resolve(response.statusCode === 200 ? 'answers' : 'silent')
		})
		ping.on('timeout', () => ping.destroy(new Error('timeout')))
		ping.on('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EACCES' ? 'forbidden' : 'silent'))
		ping.end()
	})
}

/**
 * The engine that this machine's agent shall use, installed and started when it must be. One that was named is the
 * caller's business: nothing is installed or started for it (contract.md, Process rules).
 */
export async function ensureEngine(
	options: { dockerHost?: string; yes: boolean },
	terminal: Terminal,
): Promise<string> {
	const named = options.dockerHost ?? process.env.DOCKER_HOST
	if (named) return named
	for (const candidate of usualSockets()) {
		const answer = await pingEngine(candidate)
		if (answer === 'answers') return candidate
		if (answer === 'forbidden') throw forbidden(candidate)
	}
	if (process.platform !== 'linux' || process.getuid?.() !== 0) throw missing()
	if (!findProgram('dockerd')) await install(options.yes, terminal)
	await start(terminal)
	return DEFAULT_DOCKER_HOST
}

/** Linux, Docker Desktop, rootless. */
export function usualSockets(): string[] {
	const runtime = process.env.XDG_RUNTIME_DIR
	return [
		DEFAULT_DOCKER_HOST,
		`unix://${join(homedir(), '.docker', 'run', 'docker.sock')}`,
		...(runtime ? [`unix://${join(runtime, 'docker.sock')}`] : []),
	]
}

function forbidden(dockerHost: string): LatticeError {
	return new LatticeError(
		'ENGINE_UNAVAILABLE',
		`The Docker engine at ${dockerHost} does not let this user in; run "sudo usermod -aG docker $USER" and log in again.`,
		{ dockerHost },
	)
}

function missing(): LatticeError {
	return new LatticeError(
		'ENGINE_UNAVAILABLE',
		`No Docker engine answers. ${remedy()} An engine elsewhere can be named with --docker-host.`,
		{ platform: process.platform },
	)
}

function remedy(): string {
	if (process.platform === 'darwin') return 'Install and start Docker Desktop (https://docs.docker.com/desktop/).'
	if (findProgram('dockerd')) return 'Start it: sudo systemctl start docker.'
	return isDebianLike()
		? 'Install it: sudo apt-get install docker.io, or run this command as root.'
		: 'Install it: https://docs.docker.com/engine/install/.'
}

function isDebianLike(): boolean {
	if (!existsSync('/etc/os-release')) return false
	return isDebianRelease(readFileSync('/etc/os-release', 'utf8'))
}

export function isDebianRelease(osRelease: string): boolean {
	return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(osRelease)
}

async function install(yes: boolean, terminal: Terminal): Promise<void> {
	if (!isDebianLike()) throw missing()
	if (!yes) {
		const question = 'No Docker engine is installed. Install docker.io and iptables with apt-get?'
		if (!terminal.interactive) {
			throw new LatticeError(
				'ENGINE_UNAVAILABLE',
				'No Docker engine is installed; run again with --yes to install docker.io with apt-get.',
			)
		}
		if (!(await terminal.confirm(question))) throw missing()
	}
	terminal.notice('installing docker.io and iptables with apt-get …')
	const packages = ['install', '-y', '--no-install-recommends', 'docker.io', 'iptables']
	try {
		aptGet(packages)
	} catch {
		// Fresh images carry no package lists; with them present the network stays untouched.
		aptGet(['update', '-q'])
		try {
			aptGet(packages)
		} catch (cause) {
			throw new LatticeError(
				'ENGINE_UNAVAILABLE',
				'apt-get could not install docker.io (see above); install a Docker engine by hand and run this again.',
				{},
				{ cause },
			)
		}
	}
}

function aptGet(args: string[]): void {
	execFileSync('apt-get', args, { stdio: ['ignore', 2, 2], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
}

async function start(terminal: Terminal): Promise<void> {
	terminal.notice('starting the Docker engine …')
	const systemd = existsSync('/run/systemd/system')
	const failed = systemd ? startBySystemd() : startDaemon()
	const deadline = Date.now() + START_TIMEOUT_MS
	while ((await pingEngine(DEFAULT_DOCKER_HOST, 1_000)) !== 'answers') {
		if (failed() || Date.now() > deadline) {
			const where = systemd ? 'journalctl -u docker' : DOCKERD_LOG
			throw new LatticeError('ENGINE_UNAVAILABLE', `The Docker engine does not start; ${where} says why.${lastWords()}`)
		}
		await sleep(50)
	}
}

function startBySystemd(): () => boolean {
	try {
		execFileSync('systemctl', ['enable', '--now', 'docker'], { stdio: ['ignore', 2, 2] })
		return () => false
	} catch {
		return () => true // systemctl has said why on stderr
	}
}

/** In a session of its own, so that it outlives `up` and its Ctrl-C. */
function startDaemon(): () => boolean {
	const log = openSync(DOCKERD_LOG, 'a', 0o600)
	const daemon = spawn('dockerd', [], { detached: true, cwd: '/', stdio: ['ignore', log, log] })
	let ended = false
	daemon.once('exit', () => {
		ended = true
	})
	daemon.once('error', () => {
		ended = true
	})
	daemon.unref()
	return () => ended
}

function lastWords(): string {
	if (!existsSync(DOCKERD_LOG)) return ''
	const lines = readFileSync(DOCKERD_LOG, 'utf8').trim().split('\n').slice(-3)
	return ` Its last words: ${lines.join(' | ')}`
}

function findProgram(name: string): string | null {
	for (const directory of (process.env.PATH ?? '').split(delimiter)) {
		const path = join(directory, name)
		try {
			accessSync(path, constants.X_OK)
			return path
		} catch {
			// not in this folder
		}
	}
	return null
}
