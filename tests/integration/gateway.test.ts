import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import type { Endpoint } from '../../agent/protocol/index.ts'
import { BUSYBOX } from '../fixtures/images.ts'
import { ACCOUNT, type Answer, rest, trpc, WEB } from './stack-clients.ts'
import { type Stack, startStack } from './stack-fixture.ts'
import { until } from './until.ts'

const UPLOAD_MIB = 256
/** What the agent may grow by while a body passes; a buffered one would take all of it. */
const MAX_GROWTH_KIB = 80 * 1024
/** Of a machine whose cores are busy; on a quiet one it is under two seconds. */
const RESTART_MS = 15_000

/** Counts the bytes of what is posted; environment shown at /. */
const COUNTER = {
	...WEB,
	resources: { memoryMiB: 64, cpus: 1 },
	command: [
		'sh',
		'-c',
		'mkdir -p /tmp/w/cgi-bin && printf \'#!/bin/sh\\nprintf "Content-Type: text/plain\\\\r\\\\n\\\\r\\\\n"; wc -c; env\\n\' > /tmp/w/cgi-bin/count && chmod +x /tmp/w/cgi-bin/count && exec httpd -f -p 8080 -h /tmp/w',
	],
	domains: ['count.example.org'],
}
const ECHO = {
	image: BUSYBOX,
	command: ['nc', '-ll', '-p', '7000', '-e', 'cat'],
	ports: [{ container: 7000, protocol: 'tcp' }],
	resources: { memoryMiB: 32, cpus: 0.2 },
}

describe('the gateway of a plain up', () => {
	let stack: Stack
	let bearer: string
	let counter: Answer
	let echo: Answer

	beforeAll(async () => {
		stack = await startStack()
		bearer = (await trpc(stack).user.register.mutate(ACCOUNT)).token
		counter = await deploy('counter', COUNTER)
		echo = await deploy('echo', ECHO)
	})
	afterAll(() => stack?.remove())
	const explainFailure = () => void onTestFailed(() => void process.stderr.write(stack.output))

	async function deploy(name: string, config: object): Promise<Answer> {
		const { status, body } = await rest(stack, bearer, 'POST', '/api/workloads/deploy', {
			name,
			type: 'custom',
			config,
		})
		expect(status, JSON.stringify(body)).toBe(201)
		return body
	}

	function gatewayUrl(workload: Answer): string {
		const found = workload.endpoints.find(({ kind, custom }) => kind === 'gateway' && !custom)
		expect(found, JSON.stringify(workload.endpoints)).toBeDefined()
		return (found as Endpoint).url
	}

	function httpPort(): number {
		return (JSON.parse(readFileSync(join(stack.home, 'ports.json'), 'utf8')) as { gatewayHttp: number }).gatewayHttp
	}

	function agentMemoryKiB(): number {
		const status = readFileSync(`/proc/${stack.pidOf('agent')}/status`, 'utf8')
		return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1])
	}

	async function byName(host: string, path: string): Promise<{ status: number; body: string }> {
		const headers = { host, 'x-forwarded-for': '6.6.6.6' }
		const asked = request({ host: '127.0.0.1', port: httpPort(), path, headers, agent: false }).end()
		const [response] = (await once(asked, 'response')) as [IncomingMessage]
		let body = ''
		for await (const chunk of response) body += chunk
		return { status: response.statusCode ?? 0, body }
	}

	async function echoed(text: string): Promise<string> {
		const { hostname, port } = new URL(gatewayUrl(echo))
		const socket = connect({ host: hostname, port: Number(port) })
		socket.write(text)
		const [answer] = (await once(socket, 'data')) as [Buffer]
		socket.destroy()
		return answer.toString()
	}

	it('gives each port an address on loopback, told by agent and console alike', async () => {
		explainFailure()
		expect(gatewayUrl(counter)).toMatch(/^http:\/\/127\.0\.0\.1:3\d{4}$/)
		expect(gatewayUrl(echo)).toMatch(/^tcp:\/\/127\.0\.0\.1:3\d{4}$/)
		expect(await echoed('hello')).toBe('hello')
		const record = await until('the same endpoints in the console', 10_000, async () => {
			const { body } = await rest(stack, bearer, 'GET', `/api/workloads/${counter.id}`)
			const workload = await trpc(stack, bearer).workload.get.query({ id: counter.id })
			return isDeepStrictEqual(workload.endpoints, body.endpoints) && workload
		})
		expect(record.publicUrl).not.toBeNull()
		expect((await fetch(`${record.publicUrl}/cgi-bin/count`)).status).toBe(200)
	})

	it('serves by host name, and lets nobody say who he is', async () => {
		explainFailure()
		const named = await byName(`counter-${counter.id.slice(-10)}.localhost`, '/cgi-bin/count')
		expect(named.body).toContain('HTTP_X_FORWARDED_FOR=127.0.0.1')
		expect(named.body).not.toContain('6.6.6.6')
		expect((await byName('count.example.org', '/cgi-bin/count')).status).toBe(200)
		expect(await byName('nobody.example.org', '/')).toMatchObject({ status: 404 })
		const taken = { name: 'second', type: 'custom', config: { ...WEB, domains: ['count.example.org'] } }
		expect(await rest(stack, bearer, 'POST', '/api/workloads/deploy', taken)).toMatchObject({
			status: 409,
			body: { error: { code: 'NAME_TAKEN', facts: { domain: 'count.example.org' } } },
		})
	})

	it(`passes ${UPLOAD_MIB} MiB on without keeping them`, async () => {
		explainFailure()
		const before = agentMemoryKiB()
		const part = Buffer.alloc(1024 * 1024)
		async function* parts() {
			for (let sent = 0; sent < UPLOAD_MIB; sent++) yield part
		}
		const target = new URL('/cgi-bin/count', gatewayUrl(counter))
		const headers = { 'content-length': UPLOAD_MIB * part.length }
		const upload = request(target, { method: 'POST', headers })
		Readable.from(parts()).pipe(upload)
		const [response] = (await once(upload, 'response')) as [IncomingMessage]
		let body = ''
		for await (const chunk of response) body += chunk
		expect(body).toMatch(new RegExp(`^${UPLOAD_MIB * part.length}\n`))
		expect(agentMemoryKiB() - before).toBeLessThan(MAX_GROWTH_KIB)
	})

	it('is not held up by clients that send slowly and read nothing', async () => {
		explainFailure()
		const { hostname, port } = new URL(gatewayUrl(counter))
		const slow = Array.from({ length: 200 }, () => {
			const socket = connect({ host: hostname, port: Number(port) })
			socket.on('error', () => socket.destroy())
			socket.write('GET / HTTP/1.1\r\nHost: x\r\n')
			return socket
		})
		await sleep(100) // all of them hold a connection now
		const startedAt = Date.now()
		expect(await echoed('quick')).toBe('quick')
		expect((await fetch(`${gatewayUrl(counter)}/cgi-bin/count`)).status).toBe(200)
		expect(Date.now() - startedAt).toBeLessThan(2_000)
		for (const socket of slow) socket.destroy()
	})

	it('serves the same addresses again within moments when its process was killed', async () => {
		explainFailure()
		const pid = stack.pidOf('agent')
		process.kill(pid ?? 0, 'SIGKILL')
		await until('the address', RESTART_MS, () => echoed('again').catch(() => null))
		expect((await fetch(`${gatewayUrl(counter)}/cgi-bin/count`)).status).toBe(200)
		expect((await byName('count.example.org', '/cgi-bin/count')).status).toBe(200)
	})

	it('keeps the address over stop and start', async () => {
		explainFailure()
		// The agent of the test before this one serves before it takes orders.
		const orders = () => fetch(`${stack.agentUrl}/healthz`).then(({ ok }) => ok)
		await until('the agent', 20_000, () => orders().catch(() => false))
		await rest(stack, bearer, 'POST', `/api/workloads/${echo.id}/stop`)
		await until('a refused connection', 5_000, () =>
			echoed('x')
				.then(() => false)
				.catch(({ code }) => code === 'ECONNREFUSED'),
		)
		const { body } = await rest(stack, bearer, 'POST', `/api/workloads/${echo.id}/start`)
		expect(gatewayUrl(body)).toBe(gatewayUrl(echo))
		expect(await echoed('back')).toBe('back')
	})
})
