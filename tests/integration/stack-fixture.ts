import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { removeLeftovers, TEST_ENGINE } from './engine-fixture.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const LATTICE = join(ROOT, 'lattice')

/** Of a machine whose two cores are busy; a first start makes a database. */
const START_MS = 90_000
const STOP_MS = 20_000

export interface StackOptions {
	/** default: a new empty folder, removed at the end */
	home?: string
	args?: readonly string[]
	env?: Record<string, string>
	/** default: the engine of this test run */
	dockerHost?: string
}

/** `./lattice up` as a person runs it: ready when it has said so on stdout. */
export class Stack {
	readonly home: string
	consoleUrl = ''
	agentUrl = ''
	peerId = ''
	readonly #options: StackOptions
	#child: ChildProcess | null = null
	#output = ''

	constructor(home: string, options: StackOptions) {
		this.home = home
		this.#options = options
	}

	/** Everything it wrote so far, of every start. */
	get output(): string {
		return this.#output
	}

	/** Again on the same home, with the same words. */
	async start(): Promise<void> {
		const { args = [], env = {}, dockerHost = TEST_ENGINE } = this.#options
		const child = spawn(
			LATTICE,
			['up', '--yes', '--home', this.home, '--docker-host', dockerHost, '--name', 'one', ...args],
			{ cwd: '/', env: { ...withoutLattice(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
		)
		this.#child = child
		child.stderr?.on('data', (chunk: Buffer) => {
			this.#output += chunk
		})
		const ended = once(child, 'exit').then(([code, signal]) => {
			throw new Error(`up ended (${code ?? signal}) before it was ready:\n${this.#output}`)
		})
		ended.catch(() => undefined) // later ends are asked for
		const patience = new AbortController()
		const late = new Promise<never>((_, reject) => {
			const timer = setTimeout(() => reject(new Error(`up is not ready in time:\n${this.#output}`)), START_MS)
			patience.signal.addEventListener('abort', () => clearTimeout(timer))
		})
		try {
			await Promise.race([this.#ready(child), ended, late])
		} catch (error) {
			await this.stop('SIGKILL')
			throw error
		} finally {
			patience.abort()
		}
	}

	/** What Ctrl-C does, unless a harder end is asked for. Workloads go on. */
	async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number | null> {
		const child = this.#child
		if (child === null || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
		const exited = once(child, 'exit')
		const stubborn = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
		child.kill(signal)
		const [code] = await exited
		clearTimeout(stubborn)
		return code
	}

	/** The process of one part, as the supervisor sees it now; null while it is being started again. */
	pidOf(part: 'console' | 'agent' | 'postgres'): number | null {
		const marks = { console: 'app/server.ts', agent: 'agent/main.ts', postgres: 'postgres -D' }
		const children = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n')
		for (const line of children) {
			const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
			if (Number(parent) === this.#child?.pid && args.includes(marks[part])) return Number(pid)
		}
		return null
	}

	/** Stops it and removes all it made: containers, volumes, networks, data and home. */
	async remove(): Promise<void> {
		await this.stop()
		if (this.peerId !== '') await removeLeftovers(this.peerId)
		const record = join(this.home, 'postgres.json')
		if (existsSync(record)) {
			const { directory }: { directory: string } = JSON.parse(readFileSync(record, 'utf8'))
			await rm(directory, { recursive: true, force: true })
		}
		if (this.#options.home === undefined) await rm(this.home, { recursive: true, force: true })
	}

	#ready(child: ChildProcess): Promise<void> {
		let missing = 2
		return new Promise((resolve) => {
			createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
				this.#output += `${line}\n`
				const [, part, url = '', peerId] = /^(console|agent) ready (\S+)(?: peer (\S+))?$/.exec(line) ?? []
				if (part === undefined) return
				if (part === 'console') this.consoleUrl = url
				else {
					this.agentUrl = url
					this.peerId = peerId ?? ''
				}
				missing -= 1
				if (missing === 0) resolve()
			})
		})
	}
}

export async function startStack(options: StackOptions = {}): Promise<Stack> {
	const stack = new Stack(options.home ?? (await mkdtemp(join(tmpdir(), 'lattice-stack-'))), options)
	try {
		await stack.start()
	} catch (error) {
		await stack.remove()
		throw error
	}
	return stack
}

/** What the person's shell holds without anything of ours: tests must not lean on it. */
function withoutLattice(): NodeJS.ProcessEnv {
	const names = ['DATABASE_URL', 'DOCKER_HOST']
	return Object.fromEntries(
		Object.entries(process.env).filter(
			([name]) => !names.includes(name) && !name.startsWith('LATTICE_') && !name.startsWith('VITEST'),
		),
	) as NodeJS.ProcessEnv
}
