import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresServer, startPostgres } from './console-postgres.ts'
import { TEST_ENGINE } from './engine-fixture.ts'
import { ACCOUNT, cli, ended, rest, type TrpcClient, trpc, trpcRefusal, WEB } from './stack-clients.ts'
import { LATTICE, ROOT, type Stack, startStack } from './stack-fixture.ts'
import { until } from './until.ts'

/** People, tokens, ports and databases that are not as they should be, on an `up` with somebody else's PostgreSQL. */

let folder: string
let server: PostgresServer
let stack: Stack
let token: string
let owner: TrpcClient
let clock: string

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'lattice-bad-'))
	clock = join(folder, 'clock')
	await writeFile(clock, '0')
	server = await startPostgres()
	const ahead = { LATTICE_LAB_CLOCK: clock, NODE_OPTIONS: `--import=${join(ROOT, 'tests/lab/clock.ts')}` }
	stack = await startStack({ env: { DATABASE_URL: await server.createDatabase(), ...ahead } })
	token = (await trpc(stack).user.register.mutate(ACCOUNT)).token
	owner = trpc(stack, token)
})
afterAll(async () => {
	await stack?.remove()
	await server?.close()
	if (folder) await rm(folder, { recursive: true, force: true })
})

const login = (email: string, password: string) => trpc(stack).user.login.mutate({ email, password })

describe('an account', () => {
	it.each([
		['no email', { email: 'ada', password: ACCOUNT.password }, 'email'],
		['a short password', { email: 'eve@example.test', password: 'short' }, 'password'],
		['a password over 72 bytes', { email: 'eve@example.test', password: 'é'.repeat(37) }, 'password'],
		['a key too many', { email: 'eve@example.test', password: ACCOUNT.password, role: 'owner' }, 'role'],
	])('with %s is not made', async (_what, input, field) => {
		const refusal = await trpcRefusal(trpc(stack).user.register.mutate(input))
		expect(refusal).toMatchObject({ status: 400, code: 'INVALID_INPUT' })
		expect(refusal.message).toContain(field)
	})

	it('gets the same answer for a wrong password as for one that was refused above', async () => {
		const wrong = await trpcRefusal(login(ACCOUNT.email, 'not this one at all'))
		const nobody = await trpcRefusal(login('eve@example.test', ACCOUNT.password))
		expect(wrong).toMatchObject({ status: 401, code: 'BAD_CREDENTIALS' })
		expect(nobody).toEqual(wrong)
	})
})

describe('up', () => {
	const up = async (...args: string[]) => {
		const home = join(folder, 'second')
		const child = spawn(LATTICE, ['up', '--yes', '--home', home, '--docker-host', TEST_ENGINE, ...args], {
			stdio: ['ignore', 'pipe', 'pipe'],
		})
		let stderr = ''
		child.stderr.on('data', (chunk: Buffer) => {
			stderr += chunk
		})
		const [code] = await once(child, 'exit')
		return { code, stderr, made: existsSync(join(home, 'postgres.json')) }
	}

	it.each([
		['--port', () => new URL(stack.consoleUrl).port],
		['--agent-port', () => new URL(stack.agentUrl).port],
	])('on a taken %s ends with PORT_TAKEN and has made no database', async (flag, port) => {
		const { code, stderr, made } = await up(flag, port())
		expect(stderr).toMatch(new RegExp(`^error PORT_TAKEN: .*${port()}.*\\.$`, 'm'))
		expect({ code, made }).toEqual({ code: 1, made: false })
	})

	it('with an engine that is not there serves, says so and what to do, and no order is taken for it', async () => {
		const noEngine = await startStack({
			dockerHost: 'unix:///nowhere/docker.sock',
			env: { DATABASE_URL: await server.createDatabase() },
		})
		try {
			const why = /ENGINE_UNAVAILABLE: .*\/nowhere\/docker\.sock is not there.*--docker-host\.$/m
			await until('the reason on the terminal', 10_000, () => why.test(noEngine.output))
			const bearer = (await trpc(noEngine).user.register.mutate(ACCOUNT)).token
			const order = { name: 'nowhere', type: 'custom', config: WEB }
			const error = { code: 'NO_NODE_FITS', message: expect.stringMatching(/one: .*engine.*\.$/i) }
			expect(await rest(noEngine, bearer, 'POST', '/api/workloads/deploy', order)).toMatchObject({
				status: 409,
				body: { error },
			})
			const { id } = await trpc(noEngine, bearer).workload.deploy.mutate(order)
			expect(await ended(trpc(noEngine, bearer), id)).toMatchObject({ status: 'failed', error })
		} finally {
			await noEngine.remove()
		}
	})

	it('with a database that does not answer says so, and without its password', async () => {
		const home = join(folder, 'third')
		const url = 'postgresql://lattice:hunter2@127.0.0.1:9/none'
		const answer = await cli(home, ['up', '--yes', '--docker-host', TEST_ENGINE], { DATABASE_URL: url })
		expect(answer.stderr).toMatch(/DATABASE_UNAVAILABLE: .*DATABASE_URL/)
		expect(answer.stderr).toMatch(/^error NOT_READY: console .*\.log$/m)
		expect(answer.stdout + answer.stderr).not.toContain('hunter2')
		expect(answer.code).toBe(1)
	})
})

describe('a database that is gone', () => {
	const unavailable = { status: 503, code: 'DATABASE_UNAVAILABLE', message: expect.stringMatching(/\.$/) }
	const answerOf = async (path: string, headers = {}) => {
		const response = await fetch(stack.consoleUrl + path, { headers })
		return { status: response.status, text: await response.text() }
	}

	it.each<[string, () => Promise<() => unknown>]>([
		['was killed', () => server.crash().then(() => () => server.start())],
		['hangs', async () => server.freeze()],
	])('because it %s is DATABASE_UNAVAILABLE at every door, and the agent goes on', async (_why, takeAway) => {
		const cookie = await cookieOf()
		const laptop = join(folder, 'laptop')
		const credentials = ['--email', ACCOUNT.email, '--password', ACCOUNT.password]
		const bringBack = await takeAway()
		try {
			// At once, as people do: each waits for as long as a silent server is borne with.
			const [list, order, loggedIn, page, ready, alive, command] = await Promise.all([
				trpcRefusal(owner.workload.list.query()),
				trpcRefusal(owner.workload.deploy.mutate({ name: 'late', type: 'custom', config: WEB })),
				trpcRefusal(login(ACCOUNT.email, ACCOUNT.password)),
				answerOf('/', { cookie }),
				answerOf('/readyz'),
				answerOf('/healthz'),
				cli(laptop, ['login', '--console', stack.consoleUrl, ...credentials]),
			])
			expect([list, order, loggedIn]).toMatchObject([unavailable, unavailable, unavailable])
			expect(page).toMatchObject({ status: 503, text: expect.stringContaining('DATABASE_UNAVAILABLE') })
			expect(ready.status).toBe(503)
			const missing = [{ part: 'database', reason: expect.stringMatching(/DATABASE_URL.*\.$/) }]
			expect(JSON.parse(ready.text)).toEqual({ ok: false, missing })
			expect(alive.status).toBe(200)
			expect(command).toMatchObject({ code: 1, json: { error: { code: 'DATABASE_UNAVAILABLE' } } })
			expect((await rest(stack, token, 'GET', '/api/workloads')).status).toBe(200)
		} finally {
			await bringBack()
		}
		await until('it is ready again', 30_000, async () => (await fetch(`${stack.consoleUrl}/readyz`)).ok)
		expect(await owner.workload.list.query()).toEqual([])
	})
})

async function cookieOf(): Promise<string> {
	const response = await fetch(`${stack.consoleUrl}/login`, {
		method: 'POST',
		headers: { 'content-type': 'application/x-www-form-urlencoded', origin: stack.consoleUrl },
		body: new URLSearchParams(ACCOUNT),
		redirect: 'manual',
	})
	expect(response.status).toBe(302)
	return response.headers
		.getSetCookie()
		.map((cookie) => cookie.split(';')[0])
		.join('; ')
}

describe('a form that another site sends', () => {
	it.each(['/login', '/register', '/theme', '/'])('to %s is FORBIDDEN, with a cookie and without', async (path) => {
		for (const cookie of ['', await cookieOf()]) {
			const response = await fetch(`${stack.consoleUrl}${path}`, {
				method: 'POST',
				headers: { origin: 'https://elsewhere.test', cookie },
				body: new URLSearchParams({ ...ACCOUNT, email: 'mallory@example.test' }),
				redirect: 'manual',
			})
			expect(response.status).toBe(403)
			expect(await response.json()).toMatchObject({ error: { code: 'FORBIDDEN' } })
		}
		const nobody = login('mallory@example.test', ACCOUNT.password)
		expect(await trpcRefusal(nobody)).toMatchObject({ code: 'BAD_CREDENTIALS' })
	})
})

describe('a token', () => {
	it.each([
		['none', null, 'UNAUTHENTICATED'],
		['nonsense', 'nonsense', 'UNAUTHENTICATED'],
		['another signature', 'altered', 'UNAUTHENTICATED'],
	])('%s: 401 at both doors', async (_what, given, code) => {
		const [jwt = '', seed = ''] = token.split('~')
		const bearer = given === 'altered' ? `${jwt.slice(0, -6)}AAAAAA~${seed}` : given
		expect(await trpcRefusal(trpc(stack, bearer ?? undefined).workload.list.query())).toMatchObject({
			status: 401,
			code,
		})
		expect(await rest(stack, bearer, 'GET', '/api/workloads')).toMatchObject({ status: 401, body: { error: { code } } })
	})

	it('that has expired is TOKEN_EXPIRED at both doors, and a refresh gives a good one', async () => {
		const { token: old, refreshToken } = await login(ACCOUNT.email, ACCOUNT.password)
		await writeFile(clock, String(22 * 60_000)) // 15 minutes of life and 6 of leeway
		try {
			await until('both see the time', 5_000, async () => {
				const doors = [`${stack.consoleUrl}/api/trpc/workload.list`, `${stack.agentUrl}/api/workloads`]
				const headers = { authorization: `Bearer ${old}` }
				const answers = await Promise.all(doors.map((url) => fetch(url, { headers })))
				return answers.every(({ status }) => status === 401)
			})
			const expired = { status: 401, code: 'TOKEN_EXPIRED', message: expect.stringMatching(/\.$/) }
			expect(await trpcRefusal(trpc(stack, old).workload.list.query())).toMatchObject(expired)
			expect(await rest(stack, old, 'GET', '/api/workloads')).toMatchObject({
				status: 401,
				body: { error: { code: 'TOKEN_EXPIRED' } },
			})
			const next = await trpc(stack).user.refresh.mutate({ refreshToken })
			expect(await trpc(stack, next.token).workload.list.query()).toEqual([])
			expect((await rest(stack, next.token, 'GET', '/api/workloads')).status).toBe(200)
		} finally {
			await writeFile(clock, '0')
		}
	})
})
