import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUSYBOX } from '../fixtures/images.ts'
import { type AgentProcess, startAgent } from './agent-process.ts'
import { type IssuerFixture, startIssuer } from './issuer-fixture.ts'

const ALICE = { id: 'u_alice', email: 'alice@example.org', role: 'member' } as const
const BOB = { id: 'u_bob', email: 'bob@example.org', role: 'member' } as const

let issuer: IssuerFixture
let agent: AgentProcess
let home: string
let alice: string
let bob: string

async function call(
	bearer: string,
	method: string,
	path: string,
	body?: unknown,
	headers: Record<string, string> = {},
) {
	const response = await fetch(`${agent.url}${path}`, {
		method,
		headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', ...headers },
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	})
	return { status: response.status, body: await response.json() }
}

const web = {
	image: BUSYBOX,
	command: ['httpd', '-f', '-p', '8080'],
	ports: [{ container: 8080, protocol: 'http' }],
	resources: { memoryMiB: 32 },
}

beforeAll(async () => {
	home = await mkdtemp(join(tmpdir(), 'lattice-agent-'))
	issuer = await startIssuer()
	agent = await startAgent({ LATTICE_HOME: home, LATTICE_NAME: 'one', LATTICE_INVITE: issuer.invite() })
	alice = await issuer.bearer(ALICE)
	bob = await issuer.bearer(BOB)
})

afterAll(async () => {
	for (const workload of (
		await call(await issuer.bearer({ ...ALICE, id: 'u_root', role: 'owner' }), 'GET', '/api/workloads')
	).body) {
		await call(
			await issuer.bearer({ ...ALICE, id: 'u_root', role: 'owner' }),
			'DELETE',
			`/api/workloads/${workload.id}`,
		)
	}
	await agent?.stop()
	await issuer?.stop()
	await rm(home, { recursive: true, force: true })
})

describe('an order taken by REST', () => {
	it('runs, answers HTTP, and the same command id gets the same workload', async () => {
		const order = { name: 'web', type: 'custom', config: web }
		const first = await call(alice, 'POST', '/api/workloads/deploy', order, { 'idempotency-key': 'order-0001' })
		expect(first, JSON.stringify(first) + agent.output()).toMatchObject({
			status: 201,
			body: { name: 'web', status: 'running', node: { name: 'one' } },
		})
		expect((await fetch(first.body.publicUrl)).status).toBe(404)
		const again = await call(alice, 'POST', '/api/workloads/deploy', order, { 'idempotency-key': 'order-0001' })
		expect(again.body.id).toBe(first.body.id)
	})

	it('refuses a taken name, another order under a used id, and what does not fit, and changes nothing', async () => {
		const order = { name: 'web', type: 'custom', config: web }
		expect(await call(alice, 'POST', '/api/workloads/deploy', order)).toMatchObject({
			status: 409,
			body: { error: { code: 'NAME_TAKEN' } },
		})
		const huge = { name: 'huge', type: 'custom', config: { ...web, resources: { memoryMiB: 4_000_000 } } }
		const refused = await call(alice, 'POST', '/api/workloads/deploy', huge)
		expect(refused).toMatchObject({
			status: 409,
			body: { error: { code: 'NO_NODE_FITS', facts: { rejected: [{ node: 'one' }] } } },
		})
		const typo = { name: 'typo', type: 'custom', config: { ...web, colour: 'red' } }
		expect(await call(alice, 'POST', '/api/workloads/deploy', typo)).toMatchObject({
			status: 400,
			body: { error: { code: 'INVALID_INPUT' } },
		})
		expect((await call(alice, 'GET', '/api/workloads')).body.map((each: { name: string }) => each.name)).toEqual([
			'web',
		])
	})

	it("hides one owner's workloads from another", async () => {
		const [workload] = (await call(alice, 'GET', '/api/workloads')).body
		expect((await call(bob, 'GET', '/api/workloads')).body).toEqual([])
		expect(await call(bob, 'DELETE', `/api/workloads/${workload.id}`)).toMatchObject({
			status: 404,
			body: { error: { code: 'NOT_FOUND' } },
		})
	})

	it('stops, starts, restarts and gives logs', async () => {
		const [{ id }] = (await call(alice, 'GET', '/api/workloads')).body
		expect((await call(alice, 'POST', `/api/workloads/${id}/stop`)).body.status).toBe('stopped')
		const started = await call(alice, 'POST', `/api/workloads/${id}/start`)
		expect(started.body.status).toBe('running')
		expect((await call(alice, 'POST', `/api/workloads/${id}/restart`)).body.status).toBe('running')
		expect((await fetch(started.body.publicUrl)).status).toBe(404)
		expect((await call(alice, 'GET', `/api/workloads/${id}/logs?lines=10`)).body).toHaveProperty('lines')
	})

	it('survives a kill of the agent: the container goes on and is adopted', async () => {
		const [before] = (await call(alice, 'GET', '/api/workloads')).body
		await agent.stop('SIGKILL')
		expect((await fetch(before.publicUrl)).status).toBe(404)
		agent = await startAgent({ LATTICE_HOME: home, LATTICE_NAME: 'one' })
		const after = (await call(alice, 'GET', `/api/workloads/${before.id}`)).body
		expect(after).toMatchObject({ id: before.id, status: 'running', publicUrl: before.publicUrl })
	})

	it('says why a deployment failed and leaves no container behind', async () => {
		const missing = { name: 'missing', type: 'custom', config: { image: 'lattice-test/nowhere:1' } }
		const pull = await call(alice, 'POST', '/api/workloads/deploy', missing)
		expect(['IMAGE_NOT_FOUND', 'REGISTRY_UNREACHABLE']).toContain(pull.body.error.code)
		const ends = { name: 'ends', type: 'custom', config: { ...web, command: ['sh', '-c', 'echo so long; exit 3'] } }
		const exited = await call(alice, 'POST', '/api/workloads/deploy', ends)
		expect(exited).toMatchObject({
			status: 422,
			body: {
				error: { code: 'CONTAINER_EXITED', facts: { exitCode: 3, logTail: ['so long'] } },
			},
		})
	})

	it('deletes with everything that was made', async () => {
		for (const { id } of (await call(alice, 'GET', '/api/workloads')).body) {
			expect((await call(alice, 'DELETE', `/api/workloads/${id}`)).status).toBe(200)
		}
		expect((await call(alice, 'GET', '/api/workloads')).body).toEqual([])
	})
})
