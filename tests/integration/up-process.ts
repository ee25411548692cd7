import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const LATTICE = fileURLToPath(new URL('../../lattice', import.meta.url))
const READY_MS = 120_000

/** The `lattice` command as people run it, on one home. */
export class LatticeHome {
	readonly path: string
	readonly #running = new Set<ChildProcess>()

	constructor(path: string) {
		this.path = path
	}

	/** A command that stays: `up`, `agent`. Resolves when every line of `ready` was printed. */
	async start(
		args: string[],
		ready: RegExp[],
	): Promise<{ child: ChildProcess; lines: string[]; stderr: () => string }> {
		const child = spawn(LATTICE, args, { env: this.#env(), stdio: ['ignore', 'pipe', 'pipe'] })
		this.#running.add(child)
		child.once('exit', () => this.#running.delete(child))
		const lines: string[] = []
		let errors = ''
		if (child.stdout) createInterface({ input: child.stdout }).on('line', (line) => lines.push(line))
		child.stderr?.on('data', (chunk: Buffer) => {
			errors += chunk
		})
		const deadline = Date.now() + READY_MS
		while (!ready.every((pattern) => lines.some((line) => pattern.test(line)))) {
			if (child.exitCode !== null) throw new Error(`lattice ${args[0]} ended with ${child.exitCode}: ${errors}`)
			if (Date.now() > deadline)
				throw new Error(`lattice ${args[0]} was not ready in time: ${lines.join('\n')}\n${errors}`)
			await sleep(20)
		}
		return { child, lines, stderr: () => errors }
	}

	/** A command that ends. */
	run(args: string[], env: Record<string, string> = {}): Promise<{ code: number; stdout: string; stderr: string }> {
		return new Promise((resolve) => {
			execFile(LATTICE, args, { env: { ...this.#env(), ...env }, timeout: READY_MS }, (error, stdout, stderr) => {
				const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0
				resolve({ code, stdout, stderr })
			})
		})
	}

	/** The answer of a command that must succeed, with --json. */
	async json<T>(args: string[], env?: Record<string, string>): Promise<T> {
		const { code, stdout, stderr } = await this.run([...args, '--json'], env)
		if (code !== 0) throw new Error(`lattice ${args.join(' ')} ended with ${code}: ${stderr}`)
		return JSON.parse(stdout) as T
	}

	async stopAll(): Promise<void> {
		await Promise.all(
			[...this.#running].map(async (child) => {
				child.kill('SIGINT')
				const late = setTimeout(() => child.kill('SIGKILL'), 15_000)
				await once(child, 'exit')
				clearTimeout(late)
			}),
		)
	}

	#env(): NodeJS.ProcessEnv {
		const { DATABASE_URL: _database, LATTICE_URL: _url, LATTICE_TOKEN: _token, ...rest } = process.env
		return { ...rest, LATTICE_HOME: this.path, NODE_ENV: 'production' }
	}
}
