import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LogLine, Node, Workload } from '../../agent/protocol/index.ts'
import { remainsOf } from './engine-fixture.ts'
import { ACCOUNT, type Answer, rest, type SseEvent, sse, type TrpcClient, trpc, WEB } from './stack-clients.ts'
import { type Stack, startStack } from './stack-fixture.ts'
import { until } from './until.ts'

/** The main job by the agent's REST with nothing but fetch and the console's token, also while the console is dead. */

let stack: Stack
let token: string
let owner: TrpcClient

beforeAll(async () => {
	stack = await startStack()
	token = (await trpc(stack).user.register.mutate(ACCOUNT)).token
	owner = trpc(stack, token)
})
afterAll(() => stack?.remove())

const call = <Body = Answer>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
	rest<Body>(stack, token, method, path, body, headers)
const deploy = (name: string, config: object = WEB, headers: Record<string, string> = {}) =>
	call('POST', '/api/workloads/deploy', { name, type: 'custom', config }, headers)
const stream = (path: string, init: RequestInit = {}) =>
	fetch(`${stack.agentUrl}${path}`, {
		...init,
		headers: {
			authorization: `Bearer ${token}`,
			accept: 'text/event-stream',
			'content-type': 'application/json',
			...init.headers,
		},
	})
async function collect(response: Response, until: (event: SseEvent) => boolean): Promise<SseEvent[]> {
	const events: SseEvent[] = []
	for await (const event of sse(response)) {
		events.push(event)
		if (until(event)) break
	}
	return events
}

describe('deploy', () => {
	it('answers when it runs, with where it is reached', async () => {
		const { status, body } = await deploy('waited')
		expect(status).toBe(201)
		expect(body).toMatchObject({ name: 'waited', status: 'running', generation: 1, node: { peerId: stack.peerId } })
		expect((await fetch(body.publicUrl ?? '')).status).toBe(200)
	})

	it('answers at once with wait=0, and the rest shows in its status', async () => {
		const { status, body } = await call('POST', '/api/workloads/deploy?wait=0', {
			name: 'at-once',
			type: 'custom',
			config: WEB,
		})
		expect(status).toBe(202)
		expect(body.status).not.toBe('running')
		await until('it runs', 60_000, async () => {
			return (await call('GET', `/api/workloads/${body.id}`)).body.status === 'running'
		})
	})

	it('streams every step when asked for events', async () => {
		const body = JSON.stringify({ name: 'streamed', type: 'custom', config: WEB })
		const response = await stream('/api/workloads/deploy', { method: 'POST', body })
		expect(response.headers.get('content-type')).toContain('text/event-stream')
		const events = await collect(response, ({ event }) => event === 'result' || event === 'error')
		const phases = events.filter(({ event }) => event === 'event').map(({ data }) => data.phase)
		expect(phases).toEqual(expect.arrayContaining(['accepted', 'placed', 'creating', 'starting', 'started', 'running']))
		expect(events.at(-1)).toMatchObject({ event: 'result', data: { name: 'streamed', status: 'running' } })
		const history = await stream(`/api/workloads/${events.at(-1)?.data.id}/events`)
		const told = await collect(history, ({ data }) => data.phase === 'running')
		expect(told.map(({ data }) => data.phase)).toEqual(expect.arrayContaining(['accepted', 'placed', 'running']))
	})

	it('with a repeated Idempotency-Key is the same order, and another order with that key is refused', async () => {
		const key = { 'idempotency-key': 'journey-rest-once' }
		const answers = await Promise.all([deploy('once', WEB, key), deploy('once', WEB, key)])
		const again = await deploy('once', WEB, key)
		const [first] = answers
		expect([...answers, again].map(({ status, body }) => ({ status, id: body.id }))).toEqual(
			Array(3).fill({ status: 201, id: first?.body.id }),
		)
		expect((await remainsOf(stack.peerId, first?.body.id)).containers).toHaveLength(1)
		expect(await deploy('other', WEB, key)).toMatchObject({
			status: 409,
			body: { error: { code: 'COMMAND_MISMATCH', message: expect.stringMatching(/\.$/), facts: expect.anything() } },
		})
	})
})

describe('reads', () => {
	it('list and get give the same workload, in the list of the console too', async () => {
		const { body } = await call<Workload[]>('GET', '/api/workloads')
		expect(body.map(({ name }) => name).sort()).toEqual(['at-once', 'once', 'streamed', 'waited'])
		const [first] = body
		const one = await call('GET', `/api/workloads/${first?.id}`)
		expect(one).toMatchObject({ status: 200, body: { ...first, updatedAt: expect.any(String) } })
		await until('the console lists them', 10_000, async () => (await owner.workload.list.query()).length === 4)
		const inConsole = await owner.workload.get.query({ id: one.body.id })
		const { name, status, publicUrl, endpoints, node, generation, replicas } = one.body
		expect(inConsole).toMatchObject({ name, status, publicUrl, endpoints, node, generation, replicas })
	})

	it('a workload of the console is the agent’s too', async () => {
		const { id } = await owner.workload.deploy.mutate({ name: 'by-console', type: 'custom', config: WEB })
		await until('it runs', 60_000, async () => (await call('GET', `/api/workloads/${id}`)).body.status === 'running')
	})

	it('logs: the last lines, and what comes from now on', async () => {
		const { image, resources } = WEB
		const { body: workload } = await deploy('chatty', { image, resources, command: ['chatter', '0', '0.1'] })
		const last = await until('its first line', 10_000, async () => {
			const { body } = await call<{ lines: LogLine[] }>('GET', `/api/workloads/${workload.id}/logs?lines=1`)
			return body.lines.length > 0 && body.lines
		})
		expect(last).toEqual([
			{ at: expect.any(String), stream: expect.stringMatching(/std(out|err)/), text: expect.any(String), replica: 0 },
		])
		const response = await stream(`/api/workloads/${workload.id}/logs?lines=0&follow=1`)
		let heard = 0
		const events = await collect(response, ({ data }) => {
			heard += data.lines.length
			return heard >= 5
		})
		expect(events.every(({ event }) => event === 'logs')).toBe(true)
		const numbers = events.flatMap(({ data }) => data.lines.map(({ text }) => Number(/\d+/.exec(text)?.[0])))
		const [first = 0] = numbers
		expect(first).toBeGreaterThan(1)
		expect(numbers).toEqual(numbers.map((_, index) => first + index))
	})

	it('nodes', async () => {
		const { status, body } = await call<Node[]>('GET', '/api/nodes')
		expect(status).toBe(200)
		expect(body).toEqual([
			expect.objectContaining({
				peerId: stack.peerId,
				name: 'one',
				status: 'alive',
				capacity: { cpus: expect.any(Number), memoryBytes: expect.any(Number), diskBytes: expect.any(Number) },
				allocated: expect.objectContaining({ memoryBytes: 6 * 32 * 1024 * 1024 }),
				lastSeenAt: expect.any(String),
			}),
		])
	})

	it('health and metrics ask for no token', async () => {
		expect((await fetch(`${stack.agentUrl}/healthz`)).status).toBe(200)
		for (const url of [stack.agentUrl, stack.consoleUrl]) {
			const metrics = await fetch(`${url}/metrics`)
			expect(metrics.headers.get('content-type')).toContain('text/plain')
			expect(await metrics.text()).toMatch(/^# HELP /m)
		}
		expect((await fetch(`${stack.consoleUrl}/readyz`)).status).toBe(200)
	})
})

describe('refusals have one shape', () => {
	const unknown = '/api/workloads/w_00000000000000000000'
	it.each([
		['without a token', 401, 'UNAUTHENTICATED', () => rest(stack, null, 'GET', '/api/workloads')],
		['with a token that is none', 401, 'UNAUTHENTICATED', () => rest(stack, 'x.y.z~s', 'GET', '/api/workloads')],
		['of an unknown route', 404, 'NOT_FOUND', () => call('GET', '/api/nothing')],
		['of an unknown workload', 404, 'NOT_FOUND', () => call('GET', unknown)],
		['of a change of an unknown workload', 404, 'NOT_FOUND', () => call('POST', `${unknown}/stop`)],
		['of a deletion of an unknown workload', 404, 'NOT_FOUND', () => call('DELETE', unknown)],
		['of a taken name', 409, 'NAME_TAKEN', () => deploy('waited')],
		[
			'of what fits nowhere',
			409,
			'NO_NODE_FITS',
			() => deploy('huge', { ...WEB, resources: { memoryMiB: 4_000_000 } }),
		],
	])('%s', async (_what, status, code, ask) => {
		const { status: answered, body } = await ask()
		expect({ answered, code: body.error.code }).toEqual({ answered: status, code })
		expect(body.error.message).toMatch(/^[A-Z].*\.$/s)
		if (code === 'NO_NODE_FITS') {
			expect(body.error.facts.rejected).toEqual([
				{ node: expect.anything(), reason: expect.stringContaining('memory') },
			])
		}
	})
})

describe('changes', () => {
	it('stop, start and restart answer when it is done; the console sees the same', async () => {
		const { body: before } = await call('GET', '/api/workloads/waited')
		for (const [action, status] of [
			['stop', 'stopped'],
			['start', 'running'],
			['restart', 'running'],
		] as const) {
			const { status: code, body } = await call('POST', `/api/workloads/${before.id}/${action}`)
			expect({ code, status: body.status }).toEqual({ code: 200, status })
			await until(`the console says ${status}`, 10_000, async () => {
				return (await owner.workload.get.query({ id: before.id })).status === status
			})
		}
		expect((await fetch(before.publicUrl ?? '')).status).toBe(200)
	})
})

describe('with the console killed', () => {
	it('deploys and changes all the same; the record is there when the console is back', async () => {
		const { body: waited } = await call('GET', '/api/workloads/waited')
		process.kill(stack.pidOf('console') ?? 0, 'SIGKILL')
		const [deployed, stopped] = await Promise.all([deploy('orphan'), call('POST', `/api/workloads/${waited.id}/stop`)])
		expect(deployed).toMatchObject({ status: 201, body: { status: 'running' } })
		expect(stopped.body.status).toBe('stopped')
		expect((await fetch(deployed.body.publicUrl ?? '')).status).toBe(200)
		await until('the console is back', 30_000, async () => (await isReady(stack)) === true)
		const record = await until('its record', 15_000, async () => {
			return (await owner.workload.list.query()).find(
				({ id, status }) => id === deployed.body.id && status === 'running',
			)
		})
		expect(record).toMatchObject({ name: 'orphan', publicUrl: deployed.body.publicUrl })
		expect((await owner.workload.get.query({ id: waited.id })).status).toBe('stopped')
	})
})

describe('delete', () => {
	it('takes containers and volumes along, here and in the console', async () => {
		const { body } = await call<Workload[]>('GET', '/api/workloads')
		for (const { id } of body) expect((await call('DELETE', `/api/workloads/${id}`)).status).toBe(200)
		expect((await call<Workload[]>('GET', '/api/workloads')).body).toEqual([])
		expect(await remainsOf(stack.peerId)).toEqual({ containers: [], volumes: [], networks: [] })
		await until('the console has none', 10_000, async () => (await owner.workload.list.query()).length === 0)
	})
})

async function isReady(stack: Stack): Promise<boolean> {
	try {
		return (await fetch(`${stack.consoleUrl}/readyz`)).ok
	} catch {
		return false // not listening yet
	}
}
