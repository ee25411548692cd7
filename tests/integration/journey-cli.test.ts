import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LogLine, Node, Workload } from '../../agent/protocol/index.ts'
import { type PostgresServer, startPostgres } from './console-postgres.ts'
import { remainsOf } from './engine-fixture.ts'
import { ACCOUNT, type Answer, cli, trpc } from './stack-clients.ts'
import { LATTICE, type Stack, startStack } from './stack-fixture.ts'

/**
 * The main job by `./lattice` as a process, from a home that is not the one of `up`: as on a laptop elsewhere. The
 * records are in a PostgreSQL that somebody else runs (DATABASE_URL), here Debian's.
 */

let server: PostgresServer
let stack: Stack
let laptop: string

beforeAll(async () => {
	server = await startPostgres()
	stack = await startStack({ env: { DATABASE_URL: await server.createDatabase() } })
	laptop = await mkdtemp(join(tmpdir(), 'lattice-laptop-'))
	await trpc(stack).user.register.mutate(ACCOUNT)
})
afterAll(async () => {
	await stack?.remove()
	await server?.close()
	if (laptop) await rm(laptop, { recursive: true, force: true })
})

const lattice = <Json = Answer>(...args: string[]) => cli<Json>(laptop, args)
const web = ['--image', 'lattice-test/busybox:1', '--port', '8080/http', '--memory', '32', '--cpus', '0.1']

describe('login', () => {
	it('refuses a wrong password with 1 and a missing option with 2, and keeps nothing', async () => {
		const args = ['login', '--console', stack.consoleUrl, '--email', ACCOUNT.email]
		const wrong = await lattice(...args, '--password', 'not this one')
		expect(wrong).toMatchObject({ code: 1, json: { error: { code: 'BAD_CREDENTIALS' } } })
		expect(wrong.stderr).toMatch(/^error BAD_CREDENTIALS: [A-Z].*\.$/m)
		const usage = await lattice('login', '--console', stack.consoleUrl)
		expect(usage).toMatchObject({ code: 2, json: { error: { code: 'INVALID_INPUT' } } })
		const without = await lattice('list')
		expect(without).toMatchObject({ code: expect.any(Number), json: { error: { code: 'UNAUTHENTICATED' } } })
	})

	it('keeps the token for its owner alone', async () => {
		const { code, json, stdout } = await lattice(
			...['login', '--console', stack.consoleUrl, '--email', ACCOUNT.email, '--password', ACCOUNT.password],
		)
		expect({ code, json }).toEqual({
			code: 0,
			json: { url: stack.consoleUrl, user: expect.objectContaining({ email: ACCOUNT.email, role: 'owner' }) },
		})
		expect(stdout).not.toContain('token')
		expect((await stat(join(laptop, 'config.json'))).mode & 0o777).toBe(0o600)
	})

	it('gives each account that uses this machine, and each device that was removed, a key of its own', async () => {
		const home = await mkdtemp(join(tmpdir(), 'lattice-shared-'))
		const bob = { ...ACCOUNT, email: 'bob@example.test' }
		await trpc(stack).user.register.mutate(bob)
		const key = async ({ email, password }: typeof ACCOUNT) => {
			const login = ['login', '--console', stack.consoleUrl, '--email', email, '--password', password]
			const { code, stderr } = await cli(home, login)
			expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
			return readFile(join(home, 'device.key'), 'utf8')
		}
		try {
			const first = await key(ACCOUNT)
			expect(await key(ACCOUNT)).toBe(first)
			const second = await key(bob)
			expect(second).not.toBe(first)
			const { token } = await trpc(stack).user.login.mutate(bob)
			const { sessions, revoke } = trpc(stack, token).user
			for (const { kind, id } of await sessions.query()) if (kind === 'device') await revoke.mutate({ kind, id })
			expect(await key(bob)).not.toBe(second)
		} finally {
			await rm(home, { recursive: true, force: true })
		}
	})
})

describe('a workload', () => {
	it('is deployed, waited for, and answers', async () => {
		const { code, json } = await lattice('deploy', 'web', ...web, '--env', 'COLOUR=blue')
		expect({ code, status: json?.status }).toEqual({ code: 0, status: 'running' })
		expect(await (await fetch(json.publicUrl ?? '')).text()).toContain('COLOUR=blue')
	})

	it('is listed, shown, explained; the nodes too', async () => {
		const list = await lattice<Workload[]>('list')
		expect(list).toMatchObject({ code: 0, json: [{ name: 'web', status: 'running' }] })
		expect(await lattice('get', 'web')).toMatchObject({ code: 0, json: { id: list.json[0]?.id, credentials: null } })
		// the one machine dials its own gateway
		const probed = { code: 0, json: [{ answered: true, httpStatus: 200, isElsewhere: false }] }
		expect(await lattice('probe', 'web')).toMatchObject(probed)
		expect(await lattice('explain', 'web')).toMatchObject({ code: 0, json: { chosen: [{ replica: 0 }] } })
		expect(await lattice<Node[]>('nodes')).toMatchObject({ code: 0, json: [{ name: 'one', status: 'alive' }] })
	})

	it('shows what it wrote, and follows until Ctrl-C', async () => {
		const { code, json } = await lattice<{ lines: LogLine[] }>('logs', 'web', '-n', '50')
		expect({ code, first: json.lines[0]?.text }).toEqual({ code: 0, first: 'serving on port 8080' })
		const follow = spawn(LATTICE, ['--home', laptop, 'logs', '-f', 'web'], { stdio: ['ignore', 'pipe', 'ignore'] })
		const ended = once(follow, 'exit')
		const [chunk] = await once(follow.stdout, 'data')
		expect(String(chunk)).toContain('serving on port 8080')
		follow.kill('SIGINT')
		expect(await ended).toEqual([0, null])
	})

	it('runs a program in it, whose output, input and exit code are as if it ran here', async () => {
		const exec = (args: string[], input = '') => {
			const child = spawn(LATTICE, ['--home', laptop, 'exec', ...args], { stdio: 'pipe' })
			child.stdin.end(input)
			return Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
		}
		const script = 'echo out; echo err >&2; exit 7'
		expect(await exec(['web', '--', 'sh', '-c', script])).toEqual(['out\n', 'err\n', [7, null]])
		expect(await exec(['-i', 'web', '--', 'wc', '-c'], 'x'.repeat(100_000))).toEqual(['100000\n', '', [0, null]])
		const [, reason, ended] = await exec(['nobody', '--', 'true'])
		expect({ reason, ended }).toEqual({ reason: expect.stringContaining('nobody'), ended: [1, null] })
	})

	it('stops, starts and restarts', async () => {
		for (const [verb, status] of [
			['stop', 'stopped'],
			['start', 'running'],
			['restart', 'running'],
		] as const) {
			expect(await lattice(verb, 'web')).toMatchObject({ code: 0, json: { status } })
		}
	})

	it('is deleted only by a person or with --yes', async () => {
		const [workload] = (await lattice<Workload[]>('list')).json
		expect(await lattice('delete', 'web')).toMatchObject({ code: 2, json: { error: { code: 'INVALID_INPUT' } } })
		expect(await lattice('delete', 'web', '--yes')).toMatchObject({ code: 0, json: { deleted: true } })
		expect((await lattice<Workload[]>('list')).json).toEqual([])
		expect((await remainsOf(stack.peerId, workload?.id)).containers).toEqual([])
	})

	it('with credentials: a database that takes them', async () => {
		const { code, json } = await lattice('deploy', 'db', '--type', 'postgres', '--memory', '128')
		expect(code).toBe(0)
		const client = new pg.Client({ connectionString: json.credentials?.connectionString })
		await client.connect()
		expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
		await client.end()
		expect((await lattice('delete', 'db', '--yes')).code).toBe(0)
	})
})

describe('exit codes', () => {
	it.each([
		['an unknown workload', 1, 'NOT_FOUND', ['get', 'nobody']],
		['an image that is not there', 1, 'IMAGE_NOT_FOUND', ['deploy', 'none', '--image', 'lattice-test/nowhere:1']],
		['more than there is', 1, 'NO_NODE_FITS', ['deploy', 'huge', ...web, '--memory', '4000000']],
		['a bad name', 2, 'INVALID_INPUT', ['deploy', 'Not_A_Name', ...web]],
		['a bad environment key', 2, 'INVALID_INPUT', ['deploy', 'envy', ...web, '--env', '1A=x']],
		['an unknown type', 2, 'INVALID_INPUT', ['deploy', 'what', '--type', 'oracle']],
		['an unknown command', 2, 'INVALID_INPUT', ['deplyo', 'web']],
		['an unknown option', 2, 'INVALID_INPUT', ['list', '--all']],
	])('%s: %i', async (_what, code, error, args) => {
		const answer = await lattice(...args)
		expect({ code: answer.code, error: answer.json?.error?.code }).toEqual({ code, error })
		expect(answer.stderr).toMatch(new RegExp(`^error ${error}: .*[.?]$`, 'm'))
		expect(answer.stderr).not.toMatch(/^ {4}at /m)
	})

	it('a failed deployment leaves no container', async () => {
		const remains = await remainsOf(stack.peerId)
		expect({ ...remains, networks: [] }).toEqual({ containers: [], volumes: [], networks: [] })
	})
})
