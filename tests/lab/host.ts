import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { members, processGroup } from './cgroup.ts'
import { type CommandResult, collect, until } from './command.ts'
import { enginePids, engineSocket, startEngine } from './engine.ts'
import { fetchInside, type HostResponse } from './fetch.ts'
import { inside, mountAll, ofHost, unmountAll } from './namespaces.ts'
import { dataDirectory, type HostState } from './state.ts'

const SOCKET_INSIDE = '/run/docker.sock'
const CLOCK = join(import.meta.dirname, 'clock.ts')
const BIN = join(import.meta.dirname, '../../node_modules/.bin')

export interface HostSpawnOptions extends Omit<SpawnOptions, 'env' | 'cwd' | 'shell'> {
	/** laid over the test process's own environment */
	env?: Record<string, string | undefined>
	cwd?: string
}

/** One machine of a lab. */
export class Host {
	readonly name: string
	/** where others reach it; behind NAT nobody does, and this is its router's */
	readonly ip: string
	/** the address of its own interface */
	readonly ownIp: string
	readonly nat: boolean
	/** the engine's socket as the machine sees it; inside the host it is /run/docker.sock */
	readonly dockerSocket: string
	/** an empty folder for LATTICE_HOME and the like; gone with the lab */
	readonly home: string
	readonly #lab: string
	readonly #clock: string

	constructor(lab: string, state: HostState) {
		this.#lab = lab
		this.name = state.name
		this.ip = state.ip
		this.ownIp = state.ownIp
		this.nat = state.nat
		this.dockerSocket = engineSocket(lab, state.name)
		this.#clock = join(dataDirectory(lab), state.name, 'clock')
		this.home = join(dataDirectory(lab), state.name, 'home')
	}

	/** What programs in the host are told; its engine is at the usual place there, and the project's Node comes first. */
	get env(): Record<string, string> {
		const PATH = [dirname(process.execPath), BIN, process.env.PATH].join(':')
		const engine = { LATTICE_TEST_DOCKER: `unix://${SOCKET_INSIDE}`, DOCKER_HOST: `unix://${SOCKET_INSIDE}` }
		if (!existsSync(this.#clock)) return { PATH, ...engine }
		return { PATH, ...engine, LATTICE_LAB_CLOCK: this.#clock, NODE_OPTIONS: `--import=${CLOCK}` }
	}

	/**
	 * Sets the wall clock of the host's Node programs off by so much. Those that were started after the first call follow
	 * every later one while they run; call it with 0 beforehand to have a program start right.
	 */
	async setClock(offsetMs: number): Promise<void> {
		// in one step, since programs read it at any time
		await writeFile(`${this.#clock}.new`, String(offsetMs))
		await rename(`${this.#clock}.new`, this.#clock)
	}

	/** The child's pid is the program's own, so signals reach it and not a wrapper. Its descendants end with the lab. */
	spawn(argv: readonly string[], { env, cwd, ...options }: HostSpawnOptions = {}): ChildProcess {
		const group = processGroup(this.#lab, this.name)
		const [file = '', ...args] = inside(ofHost(this.#lab, this.name), group, argv, cwd)
		return spawn(file, args, { ...options, env: { ...process.env, ...this.env, ...env } })
	}

	/** Runs to the end; judge `code` yourself. */
	async exec(argv: readonly string[], options: HostSpawnOptions & { input?: string } = {}): Promise<CommandResult> {
		const { input, ...rest } = options
		const child = this.spawn(argv, { ...rest, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] })
		child.stdin?.end(input)
		return collect(child, argv[0] ?? '')
	}

	/** An HTTP request made from this host: the only way to what listens on its loopback or stands behind NAT. */
	fetch(
		url: string,
		init: { method?: string; headers?: Record<string, string>; body?: string } = {},
	): Promise<HostResponse> {
		return fetchInside((argv, input) => this.exec(argv, { input }), url, init)
	}

	/** Pids of everything in the host: its engine, containers and what was spawned. */
	pids(): Promise<number[]> {
		return members(this.#lab, this.name)
	}

	async state(): Promise<'up' | 'frozen' | 'no engine' | 'off'> {
		const pids = await this.pids()
		if (pids.length === 0) return 'off'
		const stopped = await Promise.all(pids.map(isStopped))
		if (stopped.every(Boolean)) return 'frozen'
		const { dockerd } = await enginePids(this.#lab, this.name)
		return dockerd === undefined ? 'no engine' : 'up'
	}

	/** A machine that hangs: every process is stopped, connections stay open and silent. */
	async freeze(): Promise<void> {
		await until(`${this.name} standing still`, 5000, async () => {
			const running: number[] = []
			for (const pid of await this.pids()) if (!(await isStopped(pid))) running.push(pid)
			for (const pid of running) signal(pid, 'SIGSTOP')
			return running.length === 0
		})
	}

	async thaw(): Promise<void> {
		for (const pid of await this.pids()) signal(pid, 'SIGCONT')
	}

	/** Power loss: every process is gone at once, containers and engine, too; disks stay. `boot` brings it back. */
	async kill(): Promise<void> {
		await killAll(() => this.pids(), this.name)
	}

	/** Starts the engine after `kill`, with the mounts of a machine that just came up. */
	async boot(): Promise<void> {
		await unmountAll(this.#lab, this.name)
		await mountAll(this.#lab, this.name)
		await startEngine(this.#lab, this.name)
	}

	/** SIGTERM stops the containers first; SIGKILL leaves them running, as a crash of dockerd does. */
	async stopEngine(how: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
		const { dockerd, containerd } = await enginePids(this.#lab, this.name)
		if (dockerd !== undefined) process.kill(dockerd, how)
		// Until both are reaped: the next engine takes the zombie of this one's containerd for a living one, and fails.
		await until(`the end of ${this.name}'s engine`, 40_000, () => {
			return [dockerd, containerd].every((pid) => pid === undefined || !existsSync(`/proc/${pid}`))
		})
	}

	startEngine(): Promise<void> {
		return startEngine(this.#lab, this.name)
	}
}

/** SIGKILL until nobody is left; a process may fork while the list is read. */
export async function killAll(pids: () => Promise<number[]>, name: string): Promise<void> {
	await until(`the end of all processes of ${name}`, 20_000, async () => {
		const alive = await pids()
		for (const pid of alive) signal(pid, 'SIGKILL')
		return alive.length === 0
	})
}

function signal(pid: number, name: NodeJS.Signals): void {
	try {
		process.kill(pid, name)
	} catch (error) {
		if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
	}
}

/** Stopped, or as good as: zombies do nothing more. */
async function isStopped(pid: number): Promise<boolean> {
	try {
		const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
		return ['T', 'Z', 'X'].includes(stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3))
	} catch (error) {
		if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return true
		throw error
	}
}
