import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './console-host.ts'
import { type PostgresServer, startPostgres } from './console-postgres.ts'
import { apiOf, type ConsoleProcess, failingConsole, startConsoleProcess } from './console-process.ts'

const PASSWORD = 'correct horse battery'
let server: PostgresServer
let running: ConsoleProcess
let token: string

beforeAll(async () => {
	server = await startPostgres()
	running = await startConsoleProcess(await server.createDatabase())
	const registered = await apiOf(running.url).user.register.mutate({ email: 'ada@example.org', password: PASSWORD })
	token = registered.token
})
afterAll(async () => {
	await running?.stop()
	await server?.close()
})

const get = (path: string, init: RequestInit = {}) => fetch(running.url + path, init)
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
	get(path, { method: 'POST', body, headers: { 'Content-Type': 'application/json', ...headers } })

describe('tRPC by its own client', () => {
	it('registers, logs in, refreshes and says who one is', async () => {
		const api = apiOf(running.url)
		const login = await api.user.login.mutate({ email: 'Ada@example.org', password: PASSWORD })
		expect(login).toEqual({
			token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+~[\w-]{43}$/),
			refreshToken: expect.any(String),
			user: { id: expect.stringMatching(/^u_/), email: 'ada@example.org', role: 'owner' },
		})
		expect(await apiOf(running.url, login.token).user.me.query()).toEqual(login.user)
		const refreshed = await api.user.refresh.mutate({ refreshToken: login.refreshToken })
		expect(await apiOf(running.url, refreshed.token).user.me.query()).toEqual(login.user)
	})

	it.each([
		['nothing', undefined, 'UNAUTHENTICATED'],
		['garbage', 'garbage', 'UNAUTHENTICATED'],
		['a token without its seed', 'seedless', 'UNAUTHENTICATED'],
	])('refuses %s as a token', async (_what, given, code) => {
		const bearer = given === 'seedless' ? token.split('~')[0] : given
		const refused = await apiOf(running.url, bearer)
			.user.me.query()
			.catch((error: unknown) => error)
		expect(refused).toMatchObject({ data: { httpStatus: 401, lattice: { code } } })
	})

	it('answers each error with its code, its status and a sentence', async () => {
		const api = apiOf(running.url, token)
		const bad = await api.workload.deploy
			.mutate({ name: 'Bad Name', type: 'custom', config: {} })
			.catch((error: unknown) => error)
		expect(bad).toMatchObject({ data: { httpStatus: 400, lattice: { code: 'INVALID_INPUT' } } })
		const unknownKey = await api.workload.deploy
			.mutate({ name: 'good', type: 'postgres', config: { colour: 'blue' } })
			.catch((error: unknown) => error)
		expect(unknownKey).toMatchObject({ message: expect.stringContaining('colour'), data: { httpStatus: 400 } })
		const missing = await api.workload.get.query({ id: `w_${'0'.repeat(20)}` }).catch((error: unknown) => error)
		expect(missing).toMatchObject({ data: { httpStatus: 404, lattice: { code: 'NOT_FOUND' } } })
	})

	it('invites by owner and admin only', async () => {
		const { token: invite } = await apiOf(running.url, token).node.invite.mutate({ ttlSeconds: 600 })
		expect(JSON.parse(Buffer.from(invite, 'base64url').toString())).toMatchObject({ v: 1 })
		const member = await apiOf(running.url).user.register.mutate({ email: 'bob@example.org', password: PASSWORD })
		const refused = await apiOf(running.url, member.token)
			.node.invite.mutate({})
			.catch((error: unknown) => error)
		expect(refused).toMatchObject({ data: { httpStatus: 403, lattice: { code: 'FORBIDDEN' } } })
	})

	it('fails an order that no node can take, and says why', async () => {
		const api = apiOf(running.url, token)
		const order = { name: 'lonely', type: 'custom', config: { image: 'busybox' }, commandId: 'command-lonely' }
		const workload = await api.workload.deploy.mutate(order)
		expect(workload.status).toBe('pending')
		const failed = await eventually(async () => {
			const now = await api.workload.get.query({ id: workload.id })
			return now.status === 'failed' ? now : null
		})
		expect(failed.error).toMatchObject({ code: 'NO_NODE_FITS', facts: { rejected: [] } })
		expect(failed.statusReason).toContain('no node has joined')
		// The same order again is the same workload; another one on the name is refused.
		expect((await api.workload.deploy.mutate(order)).id).toBe(workload.id)
		const other = await api.workload.deploy.mutate({ ...order, commandId: 'another-command' }).catch((e: unknown) => e)
		expect(other).toMatchObject({ data: { httpStatus: 409, lattice: { code: 'NAME_TAKEN' } } })
		const changed = await api.workload.deploy.mutate({ ...order, name: 'other' }).catch((e: unknown) => e)
		expect(changed).toMatchObject({ data: { httpStatus: 409, lattice: { code: 'COMMAND_MISMATCH' } } })
		// What no host took is gone at once, and its name is free.
		await api.workload.delete.mutate({ id: workload.id })
		expect(await api.workload.list.query()).toEqual([])
		await api.workload.deploy.mutate({ ...order, commandId: 'command-third' })
	})

	it('shows a member nothing of another', async () => {
		const { token: other } = await apiOf(running.url).user.register.mutate({
			email: 'eve@example.org',
			password: PASSWORD,
		})
		const mine = await apiOf(running.url, token).workload.list.query()
		const [first] = mine
		expect(await apiOf(running.url, other).workload.list.query()).toEqual([])
		const refused = apiOf(running.url, other).workload.get.query({ id: first?.id ?? '' })
		await expect(refused).rejects.toMatchObject({ data: { lattice: { code: 'NOT_FOUND' } } })
	})
})

describe('HTTP', () => {
	it('takes queries by GET and mutations by POST only', async () => {
		const wrong = await get('/api/trpc/user.login?input=%7B%7D')
		expect(wrong.status).toBe(405)
		expect(await wrong.json()).toMatchObject({ error: { data: { lattice: { code: 'METHOD_NOT_ALLOWED' } } } })
		const unknown = await get('/api/trpc/no.such')
		expect(unknown.status).toBe(404)
		const elsewhere = await get('/api/else')
		expect(elsewhere.status).toBe(404)
		expect(await elsewhere.json()).toMatchObject({ error: { code: 'NOT_FOUND' } })
	})

	it('refuses bodies over 1 MiB, with a length or without, and bodies that are no JSON', async () => {
		const body = JSON.stringify({ email: 'x'.repeat(1024 * 1024), password: PASSWORD })
		const large = await post('/api/trpc/user.login', body)
		expect(large.status).toBe(413)
		expect(await large.json()).toMatchObject({ error: { data: { lattice: { code: 'PAYLOAD_TOO_LARGE' } } } })
		expect(await chunkedStatus('/api/trpc/user.login', body)).toBe(413)
		const garbled = await post('/api/trpc/user.login', '{not json')
		expect(garbled.status).toBe(400)
		expect(await garbled.json()).toMatchObject({ error: { data: { lattice: { code: 'INVALID_INPUT' } } } })
	})

	it('says with a header when to try again', async () => {
		const body = JSON.stringify({ email: 'nobody@example.org', password: 'wrong' })
		for (let index = 0; index < 10; index += 1) expect((await post('/api/trpc/user.login', body)).status).toBe(401)
		const limited = await post('/api/trpc/user.login', body)
		expect(limited.status).toBe(429)
		expect(Number(limited.headers.get('Retry-After'))).toBeGreaterThan(0)
	}, 60_000)

	it('refuses changes from another site that a cookie would authorise', async () => {
		const cookie = { Cookie: 'lattice_session=x' }
		const foreign = await post('/logout', '', { ...cookie, Origin: 'https://evil.example' })
		expect(foreign.status).toBe(403)
		const crossSite = await post('/logout', '', { ...cookie, 'Sec-Fetch-Site': 'cross-site' })
		expect(crossSite.status).toBe(403)
		const own = await post('/logout', '', { ...cookie, Origin: running.url })
		expect(own.status).not.toBe(403)
	})

	it('tells probes what they want to know, and every answer carries its policy', async () => {
		expect(await (await get('/healthz')).json()).toEqual({ ok: true })
		const ready = await get('/readyz')
		expect(ready.status).toBe(200)
		expect(ready.headers.get('Content-Security-Policy')).toMatch(/script-src 'self' 'nonce-[\w+/=]{24}'/)
		expect(ready.headers.get('X-Frame-Options')).toBe('DENY')
		expect(ready.headers.get('X-Content-Type-Options')).toBe('nosniff')
		const metrics = await (await get('/metrics')).text()
		expect(metrics).toContain('lattice_console_nodes{status="alive"} 0')
		expect(metrics).toContain('lattice_console_http_seconds_count')
	})

	it('writes no secret into its log', () => {
		expect(running.output()).not.toContain(PASSWORD)
		expect(running.output()).not.toContain(token)
	})
})

describe('the process', () => {
	it('ends within 2 s when told, and when its supervisor is gone, with streams open', async () => {
		const url = await server.createDatabase()
		for (const end of ['stop', 'disconnect'] as const) {
			const mine = await startConsoleProcess(url, { home: running.home })
			const open = fetch(`${mine.url}/live`).catch(() => null)
			const start = performance.now()
			expect(await mine[end]()).toBe(0)
			expect(performance.now() - start).toBeLessThan(2_000)
			await open
		}
	})

	it('names what is wrong with its environment, and refuses keys that it cannot open', async () => {
		const home = await mkdtemp('/tmp/lattice-test-home-')
		try {
			expect(await failingConsole('mysql://nowhere', home)).toMatch(/\(2\).*DATABASE_URL/s)
			const url = await server.createDatabase()
			expect(await failingConsole(url, home, { LATTICE_PORT: 'many' })).toMatch(/\(2\).*LATTICE_PORT/s)
			const port = new URL(running.url).port
			expect(await failingConsole(url, home, { LATTICE_PORT: port })).toMatch(/\(1\).*--port/s)
			const first = await startConsoleProcess(await server.createDatabase(), { home: running.home })
			await first.stop()
			expect(await failingConsole(url, running.home)).toMatch(/\(1\).*does not open/s)
		} finally {
			await rm(home, { recursive: true, force: true })
		}
	})
})

/** fetch always sends a length for text; a body without one must meet the same limit. */
function chunkedStatus(path: string, body: string): Promise<number | undefined> {
	return new Promise((resolve, reject) => {
		const request = httpRequest(running.url + path, {
			method: 'POST',
			headers: { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' },
		})
		request.once('response', (response) => {
			response.resume()
			resolve(response.statusCode)
		})
		request.once('error', reject)
		request.end(body)
	})
}
