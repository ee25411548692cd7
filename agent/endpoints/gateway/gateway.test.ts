import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http'
import { request as httpsRequest } from 'node:https'
import {
	type AddressInfo,
	connect,
	createServer as createTcpServer,
	type Socket,
	type Server as TcpServer,
} from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { connect as tlsConnect } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { GatewayRig, reportOf } from './rig.fixture.ts'

let rig: GatewayRig
const servers: (Server | TcpServer)[] = []

beforeEach(() => {
	rig = new GatewayRig()
})
afterEach(async () => {
	await rig.stop()
	for (const server of servers.splice(0)) {
		if ('closeAllConnections' in server) server.closeAllConnections()
		server.close()
	}
})

async function serve(host: string, listener: RequestListener): Promise<Server> {
	const server = createServer(listener)
	servers.push(server.listen(0, '127.0.0.1'))
	await once(server, 'listening')
	rig.backends.set(host, (server.address() as AddressInfo).port)
	return server
}

async function serveTcp(host: string, onConnection: (socket: Socket) => void): Promise<void> {
	const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
		// A gateway that looks whether the port answers says nothing and leaves.
		socket.on('error', () => socket.destroy())
		onConnection(socket)
	})
	servers.push(server.listen(0, '127.0.0.1'))
	await once(server, 'listening')
	rig.backends.set(host, (server.address() as AddressInfo).port)
}

/** By host name at the shared port. */
async function byName(host: string, headers: Record<string, string> = {}): Promise<{ status: number; body: string }> {
	const asked = request({ host: '127.0.0.1', port: rig.httpPort, headers: { host, ...headers }, agent: false }).end()
	const [response] = (await once(asked, 'response')) as [IncomingMessage]
	let body = ''
	for await (const chunk of response) body += chunk
	return { status: response.statusCode ?? 0, body }
}

/** Bytes as they are, and everything that comes back until the other side closes. */
async function raw(port: number, text: string): Promise<string> {
	const socket = connect(port, '127.0.0.1')
	socket.write(text)
	let answer = ''
	for await (const chunk of socket) answer += chunk
	return answer
}

const NAMED = 'web-0000000000.gate.test'

describe('HTTP', () => {
	it('serves a workload at its own port and by its name, and says who asked', async () => {
		await serve('h0', (asked, response) => response.end(JSON.stringify(asked.headers)))
		await rig.start()
		rig.tell(reportOf('web'))
		const url = await rig.urlOf('web')
		const own = (await (await fetch(url)).json()) as Record<string, string>
		expect(own).toMatchObject({
			'x-forwarded-for': '127.0.0.1',
			'x-forwarded-proto': 'http',
			'x-forwarded-host': url.host,
		})
		const named = await byName(`${NAMED}:${rig.httpPort}`, {
			'X-Forwarded-For': '6.6.6.6',
			X_Forwarded_For: '6.6.6.6',
			Forwarded: 'for=6.6.6.6',
			'X-Real-IP': '6.6.6.6',
		})
		expect(named.body).not.toContain('6.6.6.6')
		expect(JSON.parse(named.body)).toMatchObject({ host: `${NAMED}:${rig.httpPort}`, 'x-forwarded-for': '127.0.0.1' })
	})

	it('keeps headers of one connection to itself, in both directions', async () => {
		await serve('h0', (asked, response) => {
			response.writeHead(200, ['Connection', 'close, X-Mine', 'X-Mine', 'secret', 'X-Other', 'kept'])
			response.end(JSON.stringify(asked.headers))
		})
		await rig.start()
		rig.tell(reportOf('web'))
		const { port } = await rig.urlOf('web')
		const answer = await raw(
			Number(port),
			'GET / HTTP/1.1\r\nHost: x\r\nConnection: close, X-Hop\r\nX-Hop: secret\r\nTE: trailers\r\n\r\n',
		)
		expect(answer).toContain('X-Other: kept')
		expect(answer).not.toContain('secret')
		expect(answer).not.toContain('"te"')
	})

	it('answers in plain words what it cannot serve', async () => {
		await rig.start()
		rig.tell(
			reportOf('web', { statuses: ['unhealthy'] }),
			reportOf('off', { desired: 'stopped', statuses: ['stopped'] }),
		)
		await rig.urlOf('web')
		expect(await byName('nobody.gate.test')).toMatchObject({ status: 404, body: expect.stringContaining('NOT_FOUND') })
		expect(await byName('off-0000000000.gate.test')).toMatchObject({
			status: 503,
			body: expect.stringContaining('stopped'),
		})
		const html = await byName('<b>.gate.test', { accept: 'text/html' })
		expect(html.body).toContain('&lt;b&gt;')
	}, 20_000)

	it('passes a WebSocket on, and its bytes both ways', async () => {
		const server = await serve('h0', (_, response) => response.writeHead(426).end('upgrade first'))
		server.on('upgrade', (asked, socket) => {
			socket.write(
				`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${asked.headers.upgrade}\r\nX-Seen: ${asked.headers['x-forwarded-for']}\r\n\r\nfirst`,
			)
			socket.on('data', (chunk) => socket.write(`echo ${chunk}`))
			socket.on('end', () => socket.end())
		})
		await rig.start()
		rig.tell(reportOf('web'))
		await rig.urlOf('web')
		const socket = connect(rig.httpPort, '127.0.0.1')
		socket.write(`GET /ws HTTP/1.1\r\nHost: ${NAMED}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly`)
		let seen = ''
		for await (const chunk of socket) {
			seen += chunk
			if (seen.endsWith('echo early')) socket.write(' late')
			if (seen.endsWith('echo  late')) socket.end()
		}
		expect(seen).toMatch(/^HTTP\/1\.1 101 [\s\S]*X-Seen: 127\.0\.0\.1[\s\S]*\r\n\r\nfirstecho earlyecho {2}late$/)
	})

	it('gives the refusal of an upgrade as any answer', async () => {
		const server = await serve('h0', (_, response) => response.end())
		server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'))
		await rig.start()
		rig.tell(reportOf('web'))
		const { port } = await rig.urlOf('web')
		const answer = await raw(
			Number(port),
			'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
		)
		expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden[\s\S]*no$/)
	})

	it('streams: server-sent events come when they are sent, uploads with and without a length arrive whole', async () => {
		let release: () => void = () => undefined
		await serve('h0', (asked, response) => {
			if (asked.url === '/events') {
				response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
				release = () => void response.end('data: 2\n\n')
				return
			}
			let bytes = 0
			asked.on('data', (chunk) => (bytes += chunk.length))
			asked.on('end', () =>
				response.end(`${bytes} ${asked.headers['content-length'] ?? asked.headers['transfer-encoding']}`),
			)
		})
		await rig.start()
		rig.tell(reportOf('web'))
		const url = await rig.urlOf('web')
		const events = await fetch(new URL('/events', url))
		const reader = events.body?.pipeThrough(new TextDecoderStream()).getReader()
		expect((await reader?.read())?.value).toBe('data: 1\n\n')
		release()
		expect((await reader?.read())?.value).toBe('data: 2\n\n')
		expect(await (await fetch(url, { method: 'POST', body: 'x'.repeat(300_000) })).text()).toBe('300000 300000')
		const parts = async function* () {
			for (let part = 0; part < 10; part++) yield new Uint8Array(70_000)
		}
		const chunked = await fetch(url, {
			method: 'PUT',
			body: Readable.toWeb(Readable.from(parts())) as BodyInit,
			duplex: 'half',
		} as RequestInit)
		expect(await chunked.text()).toBe('700000 chunked')
	})

	it('asks again over a new connection when a kept one was closed just then, but never sends a body twice', async () => {
		let served = 0
		await serveTcp('h0', (socket) => {
			let isFirst = true
			socket.on('data', () => {
				// The first request of each connection is answered, the next one is cut off.
				if (!isFirst) socket.destroy()
				else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
				isFirst = false
				served += 1
			})
		})
		await rig.start()
		rig.tell(reportOf('web'))
		const url = await rig.urlOf('web')
		expect(await (await fetch(url)).text()).toBe('ok')
		expect(await (await fetch(url)).text()).toBe('ok')
		expect(served).toBe(3)
		expect((await fetch(url, { method: 'POST', body: 'once' })).status).toBe(502)
	})

	it('ends a client that does not finish its headers, and refuses headers that are too large', async () => {
		await serve('h0', (_, response) => response.end('ok'))
		await rig.start()
		rig.tell(reportOf('web'))
		const { port } = await rig.urlOf('web')
		expect(await raw(Number(port), `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`)).toMatch(
			/^HTTP\/1\.1 431/,
		)
		expect(
			await raw(Number(port), 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'),
		).toMatch(/^HTTP\/1\.1 400/)
	})
})

describe('TCP', () => {
	const config = { ports: [{ container: 5432, protocol: 'tcp' }] }

	it('passes bytes both ways and keeps half-close', async () => {
		await serveTcp('h0', (socket) => {
			let got = ''
			socket.on('data', (chunk) => (got += chunk))
			socket.on('end', () => socket.end(`${got} and good-bye`))
		})
		await rig.start()
		rig.tell(reportOf('db', { config }))
		const { port } = await rig.urlOf('db')
		const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true })
		socket.end('hello')
		let answer = ''
		for await (const chunk of socket) answer += chunk
		expect(answer).toBe('hello and good-bye')
	})

	it('keeps its port over a restart, and a client that comes at once waits for the host to be heard', async () => {
		await serveTcp('h0', (socket) => socket.end('here'))
		await rig.start()
		rig.tell(reportOf('db', { config }))
		const { port } = await rig.urlOf('db')
		await rig.stop()
		rig.reports = []
		await rig.start()
		const answer = raw(Number(port), '')
		rig.tell(reportOf('db', { config }))
		expect(await answer).toBe('here')
	})

	it('refuses connections of a stopped workload, and gives the same port when it runs again', async () => {
		await serveTcp('h0', (socket) => socket.end('here'))
		await rig.start()
		rig.tell(reportOf('db', { config }))
		const { port } = await rig.urlOf('db')
		rig.tell(reportOf('db', { config, desired: 'stopped', statuses: ['stopped'] }))
		await expect.poll(() => raw(Number(port), '').catch((error) => error.code)).toBe('ECONNREFUSED')
		rig.tell(reportOf('db', { config }))
		await expect.poll(() => raw(Number(port), '').catch(() => null)).toBe('here')
	})
})

describe('replicas', () => {
	it('shares requests between healthy ones only, and goes on without one that cannot be dialled', async () => {
		for (const host of ['h0', 'h1', 'h2']) await serve(host, (_, response) => response.end(host))
		await rig.start()
		rig.tell(reportOf('web', { statuses: ['running', 'running', 'unhealthy'] }))
		const url = await rig.urlOf('web')
		const ask = async () => (await fetch(url)).text()
		const seen = new Map<string, number>()
		for (let turn = 0; turn < 20; turn++) {
			const host = await ask()
			seen.set(host, (seen.get(host) ?? 0) + 1)
		}
		expect([...seen].sort()).toEqual([
			['h0', 10],
			['h1', 10],
		])
		rig.backends.delete('h0')
		// Kept connections of h0 may still answer; new ones must all go to h1.
		for (const server of servers.slice(0, 1)) (server as Server).closeAllConnections()
		for (let turn = 0; turn < 10; turn++) expect(await ask()).toBe('h1')
	})

	it('waits for one that is on its way: a restart drops no request', async () => {
		await serve('h0', (_, response) => response.end('back'))
		await rig.start()
		rig.tell(reportOf('web', { statuses: ['starting'] }))
		const url = await rig.urlOf('web')
		const answer = fetch(url)
		await new Promise((resolve) => setTimeout(resolve, 200))
		rig.tell(reportOf('web'))
		expect(await (await answer).text()).toBe('back')
	})
})

describe('TLS', () => {
	let files: { cert: string; key: string }
	const folder = mkdtempSync(join(tmpdir(), 'lattice-tls-'))
	beforeAll(() => {
		files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
		const subject = ['-subj', '/CN=gate.test', '-addext', 'subjectAltName=DNS:*.gate.test']
		const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1']
		execFileSync('openssl', ['req', '-x509', ...made, ...subject, '-keyout', files.key, '-out', files.cert], {
			stdio: 'ignore',
		})
	})
	afterAll(() => rmSync(folder, { recursive: true, force: true }))

	const database = () => reportOf('db', { type: 'postgres', config: {} })
	const ca = () => readFileSync(files.cert)
	const servername = 'db-0000000000.gate.test'

	it('serves HTTPS by host name, and says so to the workload', async () => {
		await serve('h0', (asked, response) => response.end(String(asked.headers['x-forwarded-proto'])))
		await rig.start({ tls: { files, acme: null, httpsPort: 0 } })
		rig.tell(reportOf('web'))
		await rig.urlOf('web')
		const options = { host: '127.0.0.1', port: rig.httpsPort, servername: NAMED, headers: { host: NAMED }, ca: ca() }
		const asked = httpsRequest({ ...options, agent: false }).end()
		const [response] = (await once(asked, 'response')) as [IncomingMessage]
		let body = ''
		for await (const chunk of response) body += chunk
		expect(body).toBe('https')
	})

	it('takes TLS off a PostgreSQL client and leads it to the database that its hello names', async () => {
		await serveTcp('h0', (socket) => socket.on('data', (chunk) => socket.end(`got ${chunk}`)))
		await rig.start({ tls: { files, acme: null, httpsPort: 0 } })
		rig.tell(database())
		await rig.urlOf('db')
		const plain = connect(rig.httpsPort, '127.0.0.1')
		plain.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
		expect(String((await once(plain, 'data'))[0])).toBe('S')
		const secure = tlsConnect({ socket: plain, servername, ca: ca() })
		secure.write('startup')
		let answer = ''
		for await (const chunk of secure) answer += chunk
		expect(answer).toBe('got startup')
		// As libpq 17 does with sslnegotiation=direct.
		const direct = tlsConnect({
			host: '127.0.0.1',
			port: rig.httpsPort,
			servername,
			ca: ca(),
			ALPNProtocols: ['postgresql'],
		})
		direct.write('direct')
		answer = ''
		for await (const chunk of direct) answer += chunk
		expect(answer).toBe('got direct')
	})

	it('takes nothing that was sent before TLS, and leads nobody to a name that is none', async () => {
		await rig.start({ tls: { files, acme: null, httpsPort: 0 } })
		rig.tell(database())
		await rig.urlOf('db')
		expect(await raw(rig.httpsPort, '\u0000\u0000\u0000\u0008\u0004\u00d2\u0016/injected').catch(() => '')).toBe('')
		expect(await raw(rig.httpsPort, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n').catch(() => '')).toBe('')
	})

	it('gives the encrypted name of a database to people once it leads here', async () => {
		await serveTcp('h0', () => undefined)
		await rig.start({ tls: { files, acme: null, httpsPort: 0 }, lookUp: async () => ['127.0.0.1'] })
		rig.tell(database())
		const url = `tcp://${servername}:${rig.httpsPort}`
		const id = rig.reports[0]?.id ?? ''
		await expect
			.poll(() => rig.routes.of(id).find((each) => each.url === url)?.protocol, { timeout: 15_000 })
			.toBe('postgres-tls')
	}, 20_000)
})

describe('names', () => {
	it('gives a name to people only when it was looked up and leads here', async () => {
		await serve('h0', (_, response) => response.end('ok'))
		const config = { domains: ['shop.example.org', 'other.example.org'] }
		await rig.start({ lookUp: async (name) => (name.startsWith('other') ? [] : ['127.0.0.1']) })
		rig.tell(reportOf('web', { config }))
		const id = rig.reports[0]?.id ?? ''
		await expect
			.poll(() => rig.routes.of(id).map(({ url, reachable, custom }) => ({ url, reachable, custom })), {
				timeout: 10_000,
			})
			.toEqual([
				{ url: `http://shop.example.org:${rig.httpPort}`, reachable: undefined, custom: true },
				{ url: 'http://other.example.org', reachable: false, custom: true },
				{ url: `http://${NAMED}:${rig.httpPort}`, reachable: undefined, custom: undefined },
				{ url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:28\d\d\d$/), reachable: undefined, custom: undefined },
			])
		expect((await byName('shop.example.org')).body).toBe('ok')
	}, 20_000)
})

describe('a workload that means ill', () => {
	it('does not end the gateway by an answer that cannot be passed on', async () => {
		const answer = 'HTTP/1.1 200 OK\r\nX-A: a\x01b\r\nContent-Length: 5\r\n\r\nhello'
		await serveTcp('h0', (socket) => socket.on('data', () => socket.write(answer, 'latin1')))
		await serve('h1', (_, response) => response.end('well'))
		await rig.start()
		const other = reportOf('other').map((report) => ({ ...report, node: { peerId: 'h1', name: 'h1' } }))
		rig.tell(reportOf('web'), other)
		const { port } = await rig.urlOf('web')
		expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(502)
		expect(await (await fetch(`http://127.0.0.1:${(await rig.urlOf('other')).port}/`)).text()).toBe('well')
	})

	it('gets nothing of what is sent to the default name of another, by calling it a domain of its own', async () => {
		await serve('h0', (_, response) => response.end('mine'))
		await serve('h9', (_, response) => response.end('not mine'))
		await rig.start()
		const victim = reportOf('victim')
		const name = `victim-${victim[0]?.id.slice(-10)}.gate.test`
		const thief = reportOf('thief', { config: { domains: [name] } }).map((report) => ({
			...report,
			...{ owner: 'mallory', node: { peerId: 'h9', name: 'h9' } },
		}))
		rig.tell(victim, thief)
		await rig.urlOf('victim')
		await rig.urlOf('thief')
		expect(await byName(name)).toEqual({ status: 200, body: 'mine' })
	})
})
