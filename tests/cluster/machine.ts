import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { CommandResult } from '../lab/command.ts'
import type { Host } from '../lab/host.ts'

const ROOT = join(import.meta.dirname, '../..')
const LATTICE = join(ROOT, 'lattice')
const ENGINE = 'unix:///run/docker.sock'
/** Of a machine whose two cores are busy; a first start makes a database. */
const START_MS = 90_000
const STOP_MS = 10_000

export interface CliResult<Json> extends CommandResult {
	/** what it printed with --json; undefined when that is not one document */
	json: Json
}

/** A host of the lab with `./lattice` on it, used as a person does: by its command line. */
export class Machine {
	readonly host: Host
	/** of this machine's `up`, `join` or `agent`; apart from that of the person who types commands here */
	readonly home: string
	readonly #laptop: string
	consoleUrl = ''
	agentUrl = ''
	peerId = ''
	#child: ChildProcess | null = null
	#output = ''

	constructor(host: Host) {
		this.host = host
		this.home = join(host.home, 'node')
		this.#laptop = join(host.home, 'laptop')
	}

	get name(): string {
		return this.host.name
	}

	/** Everything that its foreground program wrote, of every start. */
	get output(): string {
		return this.#output
	}

	/** Database, console and agent, reachable by the other hosts. */
	up(...args: string[]): Promise<void> {
		return this.#start(['up', '--yes', '--host', '0.0.0.0', '--docker-host', ENGINE, ...args], ['console', 'agent'])
	}

	join(token: string, ...args: string[]): Promise<void> {
		return this.#start(['join', token, ...this.#agentWords(), ...args], ['agent'])
	}

	/** The agent alone, on a home that has joined before. */
	agent(...args: string[]): Promise<void> {
		return this.#start(['agent', ...this.#agentWords(), ...args], ['agent'])
	}

	/** What runs in the foreground here. */
	get foreground(): ChildProcess | null {
		return this.#child
	}

	/** The command line on this machine's own home. */
	lattice(...words: string[]): string[] {
		return [LATTICE, '--home', this.home, ...words]
	}

	/** Ends what runs in the foreground here; SIGKILL is a crash of the supervisor. Workloads go on. */
	async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
		const child = this.#child
		if (child === null || child.exitCode !== null || child.signalCode !== null) return
		const exited = once(child, 'exit')
		const stubborn = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
		child.kill(signal)
		await exited
		clearTimeout(stubborn)
	}

	/** `./lattice ARGS --json` of a person at this machine, with a home of their own. */
	async cli<Json = unknown>(args: readonly string[], env: Record<string, string> = {}): Promise<CliResult<Json>> {
		const result = await this.host.exec([LATTICE, '--home', this.#laptop, '--json', ...args], {
			cwd: '/',
			env: { ...OUTSIDE, ...env },
		})
		return { ...result, json: parsed(result.stdout) as Json }
	}

	/** As `cli`; fails with what it said when it did not end well. */
	async run<Json = unknown>(args: readonly string[], env: Record<string, string> = {}): Promise<Json> {
		const { code, stdout, stderr, json } = await this.cli<Json>(args, env)
		if (code !== 0) throw new Error(`${this.name}: lattice ${args.join(' ')} ended with ${code}:\n${stderr}${stdout}`)
		return json
	}

	/** A person's command that stays until it is told to end, such as logs -f. */
	spawnCli(args: readonly string[]): ChildProcess {
		return this.host.spawn([LATTICE, '--home', this.#laptop, ...args], {
			cwd: '/',
			env: OUTSIDE,
			stdio: ['ignore', 'pipe', 'pipe'],
		})
	}

	/** What its processes logged, shortened: for failed tests. */
	logs(): string {
		const folder = join(this.home, 'logs')
		if (!existsSync(folder)) return ''
		const files = readdirSync(folder).filter((file) => !file.startsWith('postgres'))
		return files
			.map((file) => {
				const lines = readFileSync(join(folder, file), 'utf8').split('\n').slice(-60)
				return [`-- ${file}`, ...lines.map((line) => line.slice(0, 400))].join('\n')
			})
			.join('\n')
	}

	/** Names of the workloads' containers that run on this machine's engine, by Docker's own word. */
	async containers(filter: string): Promise<string[]> {
		const { stdout } = await this.host.exec(['docker', 'ps', '--filter', filter, '--format', '{{.Names}}'])
		return stdout.split('\n').filter(Boolean)
	}

	/** The pid of one part of what runs in the foreground here; null while it is not there. */
	async pidOf(part: 'console' | 'agent'): Promise<number | null> {
		const mark = { console: 'app/server.ts', agent: 'agent/main.ts' }[part]
		const { stdout } = await this.host.exec(['ps', '-eo', 'pid=,ppid=,args='])
		for (const line of stdout.split('\n')) {
			const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
			if (Number(parent) === this.#child?.pid && args.includes(mark)) return Number(pid)
		}
		return null
	}

	#agentWords(): string[] {
		return ['--yes', '--docker-host', ENGINE, '--agent-host', this.host.ownIp]
	}

	#spawn(words: string[]): ChildProcess {
		const child = this.host.spawn([LATTICE, '--home', this.home, ...words], {
			cwd: '/',
			env: { ...OUTSIDE, LATTICE_LOG_LEVEL: 'debug' },
			stdio: ['ignore', 'pipe', 'pipe'],
		})
		this.#child = child
		const keep = (chunk: Buffer) => {
			this.#output += chunk
		}
		child.stderr?.on('data', keep)
		child.stdout?.on('data', keep)
		return child
	}

	async #start(words: string[], parts: string[]): Promise<void> {
		const child = this.#spawn(words)
		const missing = new Set(parts)
		const { promise, resolve, reject } = Promise.withResolvers<void>()
		const fail = (why: string) => reject(new Error(`${this.name}: lattice ${words[0]} ${why}:\n${this.#output}`))
		const late = setTimeout(() => fail('is not ready in time'), START_MS)
		child.once('exit', (code, signal) => fail(`ended (${code ?? signal})`))
		createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
			const [, part = '', url = '', peerId = ''] = /^(console|agent) ready (\S+)(?: peer (\S+))?$/.exec(line) ?? []
			// What listens everywhere is reached by the host's address.
			const reachable = url.replace('0.0.0.0', this.host.ip)
			if (part === 'console') this.consoleUrl = reachable
			if (part === 'agent') {
				this.agentUrl = reachable
				this.peerId = peerId
			}
			missing.delete(part)
			if (missing.size === 0) resolve()
		})
		try {
			await promise
		} catch (error) {
			child.kill('SIGKILL')
			throw error
		} finally {
			clearTimeout(late)
		}
	}
}

/** What the shell of the tests holds and a person's does not. */
const OUTSIDE: Record<string, undefined> = Object.fromEntries(
	Object.keys(process.env)
		.filter((name) => /^(LATTICE_|VITEST|NODE_ENV$|DATABASE_URL$|TEST$)/.test(name))
		.map((name) => [name, undefined]),
)

function parsed(stdout: string): unknown {
	try {
		return JSON.parse(stdout)
	} catch {
		return undefined // several lines, or none
	}
}
