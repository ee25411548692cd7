import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buffer } from 'node:stream/consumers'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import { type MeshEntry, openMeshEntry } from '../../agent/cli/client/mesh-entry.ts'
import { readConfig } from '../../agent/cli/config.ts'
import { homeAt } from '../../agent/cli/home.ts'
import { type ClientPlane, clientDataPlane } from '../../agent/endpoints/data/client-plane.ts'
import type { DialTarget } from '../../agent/endpoints/dialer.ts'
import type { Credentials } from '../../agent/protocol/index.ts'
import { ACCOUNT, cli, trpc, WEB } from './stack-clients.ts'
import { LATTICE, type Stack, startStack } from './stack-fixture.ts'
import { until } from './until.ts'

/** `./lattice connect` of a person at a machine of their own, and those who would like to use its way. */

interface Line {
	name: string
	local: string
	container: number
	node: string | null
	path: { kind: string; rttMs: number } | null
	command: string | null
}

interface Connect {
	child: ChildProcess
	lines: Line[]
	output: string
}

const BOB = { email: 'bob@example.test', password: 'another horse battery' }

let stack: Stack
let laptop: string
let others: string
let running: Connect
/** all that were begun: what a failed test left is ended, too */
const begun: Connect[] = []
let db: { id: string; credentials: Credentials }

/** Runs until it has said so many lines. */
async function lattice(home: string, count: number, ...words: string[]): Promise<Connect> {
	const child = spawn(LATTICE, ['--home', home, '--json', 'connect', ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
	const connect: Connect = { child, lines: [], output: '' }
	begun.push(connect)
	child.stderr?.on('data', (chunk: Buffer) => {
		connect.output += chunk
	})
	createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) =>
		connect.lines.push(JSON.parse(line)),
	)
	await until(`${count} lines of connect`, 30_000, () => {
		if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${connect.output}`)
		return connect.lines.length >= count
	})
	return connect
}

async function end({ child }: Connect): Promise<number | null> {
	if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
	const exited = once(child, 'exit')
	child.kill('SIGINT')
	const [code] = await exited
	return code
}

beforeAll(async () => {
	stack = await startStack()
	laptop = await mkdtemp(join(tmpdir(), 'lattice-laptop-'))
	others = await mkdtemp(join(tmpdir(), 'lattice-others-'))
	for (const account of [ACCOUNT, BOB]) await trpc(stack).user.register.mutate(account)
	for (const [home, { email, password }] of [
		[laptop, ACCOUNT],
		[others, BOB],
	] as const) {
		const login = await cli(home, ['login', '--console', stack.consoleUrl, '--email', email, '--password', password])
		expect(login).toMatchObject({ code: 0 })
	}
	const made = await cli(laptop, ['deploy', 'db', '--type', 'postgres', '--memory', '128'])
	expect(made, made.stderr).toMatchObject({ code: 0, json: { status: 'running' } })
	db = { id: made.json.id, credentials: made.json.credentials ?? {} }
})
afterAll(async () => {
	await Promise.all(begun.map(end))
	await stack?.remove()
	for (const home of [laptop, others]) if (home) await rm(home, { recursive: true, force: true })
})

const client = (local: string) => {
	const { username, password, database } = db.credentials
	const options = { host: '127.0.0.1', port: Number(local.split(':')[1]), user: username, password, database }
	return new pg.Client(options as pg.ClientConfig)
}

async function ask(local: string, sql: string) {
	const session = client(local)
	await session.connect()
	try {
		return (await session.query(sql)).rows
	} finally {
		await session.end()
	}
}

describe('connect', () => {
	it('leads psql to the database, says by which path, and gives the line to type', async () => {
		running = await lattice(laptop, 1, 'db')
		onTestFailed(() => void process.stderr.write(running.output))
		const [line] = running.lines
		expect(line).toMatchObject({ name: 'db', container: 5432, node: 'one', path: { kind: 'direct' } })
		expect(line?.command).toBe(
			`psql 'postgresql://app:${encodeURIComponent(db.credentials.password ?? '')}@${line?.local}/app'`,
		)
		expect(await ask(line?.local ?? '', 'SELECT 1 AS one')).toEqual([{ one: 1 }])
	})

	it('carries what is large, both ways', async () => {
		const session = client(running.lines[0]?.local ?? '')
		await session.connect()
		const text = 'x'.repeat(20_000_000)
		const { rows } = await session.query('SELECT $1::text AS text', [text])
		expect(rows[0].text.length).toBe(text.length)
		await session.end()
	})

	it('survives a restart of the workload: the same port, and whoever connects meanwhile waits', async () => {
		const local = running.lines[0]?.local ?? ''
		const restart = cli(laptop, ['restart', 'db'])
		await until('a query after the restart began', 60_000, () => ask(local, 'SELECT 1').catch(() => false))
		expect(await restart).toMatchObject({ code: 0 })
		expect(await ask(local, 'SELECT 2 AS two')).toEqual([{ two: 2 }])
	})

	it('is not ended by the death of the console, nor by that of the agent', async () => {
		const local = running.lines[0]?.local ?? ''
		for (const part of ['console', 'agent'] as const) {
			const before = stack.pidOf(part)
			if (before === null) throw new Error(`no ${part}`)
			process.kill(before, 'SIGKILL')
			const rows = await until(`a query after the ${part} died`, 60_000, () =>
				ask(local, 'SELECT 3 AS three').catch(() => false),
			)
			expect(rows).toEqual([{ three: 3 }])
			await until(`the ${part} again`, 60_000, () => stack.pidOf(part) !== null && stack.pidOf(part) !== before)
		}
	})

	it('--all opens a port for each workload, balances replicas, and ends well on Ctrl-C', async () => {
		await until(
			'the console again',
			60_000,
			async () => (await fetch(`${stack.consoleUrl}/readyz`).catch(() => null))?.ok,
		)
		await trpcDeploy('web', { ...WEB, replicas: 2 })
		const all = await lattice(laptop, 2, '--all')
		expect(all.lines.map(({ name, container }) => `${name} ${container}`).sort()).toEqual(['db 5432', 'web 8080'])
		const web = all.lines.find(({ name }) => name === 'web')
		const names = new Set<string>()
		for (let request = 0; request < 4; request++) {
			const body = await (await fetch(`http://${web?.local}/`, { headers: { connection: 'close' } })).text()
			names.add(/^hostname=(.*)$/m.exec(body)?.[1] ?? body)
		}
		expect([...names]).toHaveLength(2)
		expect(await end(all)).toBe(0)
	})

	it("says what is wrong: another's workload, a port that it has not, a local port that is taken", async () => {
		const code = async (home: string, ...words: string[]) => {
			const answer = await cli<{ error: { code: string } }>(home, ['connect', ...words])
			return [answer.code, answer.json?.error?.code]
		}
		expect(await code(others, db.id)).toEqual([1, 'NOT_FOUND'])
		expect(await code(laptop, 'db', '--port', '22')).toEqual([2, 'INVALID_INPUT'])
		const taken = running.lines[0]?.local.split(':')[1] ?? ''
		expect(await code(laptop, 'db', '--local', taken)).toEqual([1, 'PORT_TAKEN'])
		expect(await code(laptop)).toEqual([2, 'INVALID_INPUT'])
	})
})

describe('a scan through the data plane', () => {
	let mesh: MeshEntry
	let plane: ClientPlane
	const bearers: MeshEntry[] = []

	async function enter(home: string): Promise<MeshEntry> {
		const { device } = readConfig(homeAt(home))
		if (!device) throw new Error('no device')
		const entered = await openMeshEntry(device, readFileSync(join(home, 'device.key'), 'utf8').trim())
		bearers.push(entered)
		return entered
	}

	beforeAll(async () => {
		mesh = await enter(laptop)
		plane = clientDataPlane(mesh.peer, () => null)
	})
	afterAll(async () => {
		plane?.close()
		await Promise.all(bearers.map(({ peer }) => peer.stop()))
	})

	async function dial(change: Partial<DialTarget>, by: MeshEntry = mesh): Promise<string> {
		const target = { peerId: stack.peerId, workloadId: db.id, replica: 0, container: 5432, ...change }
		try {
			const authority = { kind: 'user', authority: by.authority } as const
			const { stream } = await plane.dialer.dial(target, authority, AbortSignal.timeout(10_000))
			stream.destroy()
			return 'connected'
		} catch (error) {
			return (error as { code: string }).code
		}
	}

	it('finds the declared port and no other, no other replica, and no name or address', async () => {
		expect(await dial({})).toBe('connected')
		for (const container of [22, 80, 2375, 4001, 4100, 4200, 5431]) expect(await dial({ container })).toBe('NOT_FOUND')
		expect(await dial({ replica: 1 })).toBe('NOT_FOUND')
		expect(await dial({ container: 0 })).not.toBe('connected')
		for (const workloadId of ['127.0.0.1', '169.254.169.254', 'w_00000000000000000000'])
			expect(await dial({ workloadId })).not.toBe('connected')
	})

	it('as another person finds nothing', async () => {
		const bob = await enter(others)
		expect(await dial({}, bob)).toBe('NOT_FOUND')
	})

	it('as a gateway that one is not finds nothing', async () => {
		const target = { peerId: stack.peerId, workloadId: db.id, replica: 0, container: 5432 }
		const dialling = plane.dialer.dial(target, { kind: 'gateway' }, AbortSignal.timeout(10_000))
		await expect(dialling).rejects.toMatchObject({ code: 'FORBIDDEN' })
	})

	it('of the data port itself, by whoever speaks something else, gets no byte', async () => {
		const { data } = JSON.parse(readFileSync(join(stack.home, 'ports.json'), 'utf8'))
		const socket = connect({ host: '127.0.0.1', port: data })
		socket.on('error', () => socket.destroy())
		socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
		// A TLS alert says that this is no TLS (RFC 8446, 6); nothing else comes.
		expect((await buffer(socket).catch(() => Buffer.alloc(0))).length).toBeLessThan(16)
	})
})

async function trpcDeploy(name: string, config: object): Promise<void> {
	const { token } = await trpc(stack).user.login.mutate(ACCOUNT)
	const { id } = await trpc(stack, token).workload.deploy.mutate({ name, type: 'custom', config })
	await until(`${name} running`, 60_000, async () => {
		return (await trpc(stack, token).workload.get.query({ id })).status === 'running'
	})
}
