import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { Guard, type GuardSignals } from './guard.ts'
import type { LogFile } from './log-file.ts'
import { worthShowing } from './severity.ts'

export interface Launch {
	file: string
	args: string[]
	env: Record<string, string | undefined>
	cwd?: string
	uid?: number
	gid?: number
}

export interface ChildSpec {
	name: string
	/** asked before each start, so that a restart uses what was learned since */
	launch(): Promise<Launch>
	/** how it says that it serves: a message over IPC, or a question asked until it is true */
	ready: { kind: 'ipc' } | { kind: 'poll'; isReady: (pid: number) => boolean }
	format: 'pino' | 'postgres'
	/** each signal in turn, with the milliseconds it gets; SIGKILL comes last by itself */
	stop: [NodeJS.Signals, number][]
	guard: GuardSignals
}

export interface ChildListeners {
	/** `message` is what an IPC child sent with its `ready`; null for a polled one */
	onReady(message: unknown): void
	/** one sentence for the terminal */
	onNotice(sentence: string): void
	/** it will not be started again: wrong configuration, or it never once served */
	onGivenUp(sentence: string): void
}

const FIRST_BACKOFF_MS = 250
const LAST_BACKOFF_MS = 15_000
/** Having served this long, a child starts anew with the shortest back-off. */
const STABLE_MS = 60_000
/** Deaths in a row, before it ever served, until `up` stops trying. */
const MAX_FAILED_STARTS = 5
/** A wrong value in its environment: starting again cannot help. */
const EXIT_USAGE = 2
/** it was removed from its lattice, or its invite will never be good (agent/main.ts) */
const EXIT_FINAL = 3
const READY_POLL_MS = 10

export class SupervisedChild {
	readonly #spec: ChildSpec
	readonly #log: LogFile
	readonly #listeners: ChildListeners
	#process: ChildProcess | null = null
	#exited: Promise<void> = Promise.resolve()
	#stopping = new AbortController()
	#deaths = 0
	#lastShown = ''
	#everReady = false

	constructor(spec: ChildSpec, modules: { log: LogFile; listeners: ChildListeners }) {
		this.#spec = spec
		this.#log = modules.log
		this.#listeners = modules.listeners
	}

	get pid(): number | null {
		return this.#process?.pid ?? null
	}

	async start(): Promise<void> {
		let launch: Launch
		try {
			launch = await this.#spec.launch()
		} catch (error) {
			this.#listeners.onGivenUp(`${this.#spec.name}: ${error instanceof Error ? error.message : String(error)}`)
			return
		}
		if (this.#stopping.signal.aborted) return
		const { file, args, env, ...options } = launch
		const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...this.#ipc()]
		const child: ChildProcess = spawn(file, args, {
			...options,
			stdio,
			// Remix types process.env with NODE_ENV required, which PostgreSQL has no use for.
			env: env as NodeJS.ProcessEnv,
		})
		this.#process = child
		const startedAt = Date.now()
		this.#exited = new Promise((resolve) => {
			child.once('error', (error) => this.#died(`cannot start (${error.message})`, null, startedAt, resolve))
			child.once('exit', (code, signal) => this.#died(ended(code, signal), code, startedAt, resolve))
		})
		if (child.pid === undefined) return
		const guard = new Guard(child.pid, this.#spec.guard)
		child.once('exit', () => guard.release())
		this.#follow(child.stdout, 'stdout')
		this.#follow(child.stderr, 'stderr')
		this.#awaitReady(child, child.pid)
	}

	/** From now on its end is wanted: it is not started again, and its last words are not for the terminal. */
	expectEnd(): void {
		this.#stopping.abort()
	}

	/** Resolves when it is gone. */
	async stop(): Promise<void> {
		this.expectEnd()
		for (const [signal, waitMs] of this.#spec.stop) {
			if (!this.#process) return
			this.#process.kill(signal)
			if (await this.#goneWithin(waitMs)) return
		}
		this.kill()
		await this.#exited
	}

	kill(): void {
		this.#stopping.abort()
		this.#process?.kill('SIGKILL')
	}

	#ipc(): ['ipc'] | [] {
		return this.#spec.ready.kind === 'ipc' ? ['ipc'] : []
	}

	async #goneWithin(waitMs: number): Promise<boolean> {
		await Promise.race([this.#exited, sleep(waitMs, undefined, { ref: false })])
		return this.#process === null
	}

	#awaitReady(child: ChildProcess, pid: number): void {
		const { ready } = this.#spec
		if (ready.kind === 'ipc') {
			child.on('message', (message) => {
				if (isReady(message)) this.#isServing(message)
			})
			return
		}
		const timer = setInterval(() => {
			if (!ready.isReady(pid)) return
			clearInterval(timer)
			this.#isServing(null)
		}, READY_POLL_MS)
		child.once('exit', () => clearInterval(timer))
	}

	#isServing(message: unknown): void {
		this.#everReady = true
		this.#listeners.onReady(message)
	}

	#follow(stream: Readable | null, name: 'stdout' | 'stderr'): void {
		if (!stream) return
		createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
			this.#log.write(line)
			const shown = worthShowing(line, name, this.#spec.format)
			if (shown && !this.#stopping.signal.aborted) this.#show(shown)
		})
	}

	/** A dying child says its last words in its log and again on stderr, with its name before them; once is enough. */
	#show(words: string): void {
		const { name } = this.#spec
		const sentence = words.startsWith(`${name}: `) ? words : `${name}: ${words}`
		if (sentence !== this.#lastShown) this.#listeners.onNotice(sentence)
		this.#lastShown = sentence
	}

	#died(how: string, code: number | null, startedAt: number, resolve: () => void): void {
		this.#process = null
		resolve()
		if (this.#stopping.signal.aborted) return
		if (Date.now() - startedAt > STABLE_MS) this.#deaths = 0
		this.#deaths += 1
		const { name } = this.#spec
		const hopeless = this.#whyHopeless(code)
		if (hopeless) {
			this.#listeners.onGivenUp(`${name} ${how}${hopeless}`)
			return
		}
		const waitMs = backoffMs(this.#deaths)
		this.#listeners.onNotice(`${name} ${how}; starting it again in ${waitMs / 1000} s`)
		void this.#startAfter(waitMs)
	}

	#whyHopeless(code: number | null): string | null {
		if (code === EXIT_FINAL) return ' and cannot go on (see above).'
		if (this.#everReady) return null
		if (code === EXIT_USAGE) return ': its configuration is wrong (see above).'
		return this.#deaths >= MAX_FAILED_STARTS ? `, ${this.#deaths} times without ever serving.` : null
	}

	async #startAfter(waitMs: number): Promise<void> {
		try {
			await sleep(waitMs, undefined, { signal: this.#stopping.signal })
		} catch {
			return // stopped while it waited
		}
		await this.start()
	}
}

export function backoffMs(deaths: number): number {
	return Math.min(FIRST_BACKOFF_MS * 2 ** (deaths - 1), LAST_BACKOFF_MS)
}

function ended(code: number | null, signal: NodeJS.Signals | null): string {
	return signal ? `was ended by ${signal}` : `ended with code ${code}`
}

function isReady(message: unknown): boolean {
	return typeof message === 'object' && message !== null && 'type' in message && message.type === 'ready'
}
