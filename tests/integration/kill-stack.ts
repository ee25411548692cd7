import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'

export const VICTIMS = ['agent', 'console', 'postgres'] as const
export type Victim = (typeof VICTIMS)[number]

const CLI = join(import.meta.dirname, '../../agent/cli/main.ts')
const PROGRAMS = { agent: 'agent/main.ts', console: 'app/server.ts', postgres: '/bin/postgres ' }
const START_MS = 60_000
const LOG_TAIL = 30

/** `up` as people run it, on a home of its own; its supervisor brings back what is killed. */
export class Stack {
	readonly home: string
	readonly #dockerHost: string
	#up: ChildProcess | null = null
	#lines: string[] = []

	constructor(home: string, dockerHost: string) {
		this.home = home
		this.#dockerHost = dockerHost
	}

	get console(): string {
		return this.#latest(/^console ready (\S+)/)
	}

	get agent(): string {
		return this.#latest(/^agent ready (\S+)/)
	}

	async start(): Promise<void> {
		const args = [CLI, 'up', '--yes', '--home', this.home, '--docker-host', this.#dockerHost]
		const up = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
		this.#up = up
		this.#lines = []
		for (const stream of [up.stdout, up.stderr]) {
			createInterface({ input: stream }).on('line', (line) => this.#lines.push(line))
		}
		await until('both ready lines', START_MS, () => {
			if (up.exitCode !== null) throw new Error(`up ended with ${up.exitCode}:\n${this.said()}`)
			return ['console ready', 'agent ready'].every((words) => this.#lines.some((line) => line.startsWith(words)))
		})
	}

	/** As Ctrl-C: in order, and workloads go on. */
	async stop(): Promise<void> {
		const up = this.#up
		this.#up = null
		if (!up || up.exitCode !== null || up.signalCode !== null) return
		up.kill('SIGINT')
		await once(up, 'exit')
	}

	/** Found before the moment, so that nothing stands between deciding to kill and killing. */
	pidOf(victim: Victim): number {
		const children = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(this.#up?.pid)], { encoding: 'utf8' })
		// the guard beside each child names it too, by number only
		const line = children.split('\n').find((each) => each.includes(PROGRAMS[victim]))
		if (!line) throw new Error(`${victim} does not run:\n${children}`)
		return Number.parseInt(line, 10)
	}

	/** Resolves once another process has taken the place of the one that was killed, and everything serves. */
	async recovered(victim: Victim, killed: number, withinMs: number): Promise<void> {
		await until(`a new ${victim}`, withinMs, () => {
			try {
				return this.pidOf(victim) !== killed
			} catch {
				return false // it waits for its back-off
			}
		})
		await until(`the stack serving after the ${victim} was killed`, withinMs, async () => {
			const [ready, healthy] = await Promise.all([answers(`${this.console}/readyz`), answers(`${this.agent}/healthz`)])
			return ready && healthy
		})
	}

	/** What it said and logged last, for the message of a failure. */
	said(): string {
		const folder = join(this.home, 'logs')
		const logs = existsSync(folder) ? readdirSync(folder).sort() : []
		const tails = logs.map((name) => {
			const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n')
			return `── ${name}\n${lines.slice(-LOG_TAIL).join('\n')}`
		})
		return ['── up', ...this.#lines.slice(-LOG_TAIL), ...tails].join('\n')
	}

	/** As root the database lies outside of the home, where only the home says. */
	remove(): void {
		const record = join(this.home, 'postgres.json')
		if (existsSync(record)) {
			const { directory } = JSON.parse(readFileSync(record, 'utf8')) as { directory: string }
			rmSync(directory, { recursive: true, force: true })
		}
		rmSync(this.home, { recursive: true, force: true })
	}

	#latest(pattern: RegExp): string {
		const url = this.#lines.map((line) => pattern.exec(line)?.[1]).findLast((found) => found !== undefined)
		if (url === undefined) throw new Error(`up has not said ${pattern}`)
		return url
	}
}

async function answers(url: string): Promise<boolean> {
	try {
		return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok
	} catch {
		return false // refused while it starts
	}
}

export async function until(
	what: string,
	withinMs: number,
	isTrue: () => boolean | Promise<boolean>,
	everyMs = 25,
): Promise<void> {
	const deadline = performance.now() + withinMs
	while (!(await isTrue())) {
		if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`)
		await delay(everyMs)
	}
}
