import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Node, Workload } from '../../agent/protocol/index.ts'
import { docker, stopEngine } from './engine-fixture.ts'
import { ACCOUNT, rest, settled, type TrpcClient, trpc, WEB } from './stack-clients.ts'
import { type Stack, startStack } from './stack-fixture.ts'
import { until } from './until.ts'

/**
 * What a bad day does to a machine: one part after the other dies by SIGKILL, then all, then the engine is restarted.
 * Each time the same workloads are there, with true statuses, at the same addresses, with their data.
 */

let stack: Stack
let token: string
let owner: TrpcClient
/** as they were before anything was hurt: two that run (one holds data), one that is stopped */
let before: Workload[]
let connectionString: string

beforeAll(async () => {
	stack = await startStack()
	token = (await trpc(stack).user.register.mutate(ACCOUNT)).token
	owner = trpc(stack, token)
	const orders = [
		{ name: 'web', type: 'custom', config: WEB },
		{ name: 'idle', type: 'custom', config: WEB },
		{ name: 'db', type: 'postgres', config: { resources: { memoryMiB: 128, cpus: 0.5 } } },
	]
	const [web, idle, db] = await Promise.all(orders.map((order) => owner.workload.deploy.mutate(order)))
	for (const workload of [web, idle, db]) await settled(owner, workload?.id ?? '', 'running')
	await owner.workload.stop.mutate({ id: idle?.id ?? '' })
	await settled(owner, idle?.id ?? '', 'stopped')
	connectionString = (await owner.workload.get.query({ id: db?.id ?? '' })).credentials?.connectionString ?? ''
	await query("CREATE TABLE kept (word text); INSERT INTO kept VALUES ('here')")
	before = await until('addresses at the gateway, told by all', 40_000, async () => {
		const inConsole = await list()
		const { body } = await rest<Workload[]>(stack, token, 'GET', '/api/workloads')
		const inAgent = body.sort((a, b) => (a.name < b.name ? -1 : 1))
		const has = inConsole.every(
			({ status, endpoints }) => status !== 'running' || endpoints.some(({ kind }) => kind === 'gateway'),
		)
		return has && JSON.stringify(inConsole.map(kept)) === JSON.stringify(inAgent.map(kept)) ? inConsole : false
	})
})
afterAll(() => stack?.remove())

async function query(sql: string): Promise<unknown> {
	const client = new pg.Client({ connectionString })
	await client.connect()
	try {
		return (await client.query(sql)).rows
	} finally {
		await client.end()
	}
}

const list = async () => (await owner.workload.list.query()).sort((a, b) => (a.name < b.name ? -1 : 1))

/** What must not change; the time of the last change may, and how far a gateway measures its way. */
const kept = ({ id, name, status, publicUrl, endpoints, generation, node }: Workload) => ({
	id,
	name,
	status,
	publicUrl,
	endpoints: endpoints.map(({ kind, protocol, url, container, replica }) => ({
		kind,
		protocol,
		url,
		container,
		replica,
	})),
	generation,
	node,
})

/** Console and agent say the same as before, and what they say is so. */
async function everythingIsBack(withinMs = 40_000): Promise<void> {
	let last: unknown
	try {
		await until('all is as before', withinMs, async () => {
			try {
				const inConsole = await list()
				const { body } = await rest<Workload[]>(stack, token, 'GET', '/api/workloads')
				last = { console: inConsole.map(kept), agent: body.map(kept) }
			} catch (error) {
				last = error // not there yet
				return false
			}
			const wanted = before.map(kept)
			const inAgent = (last as { agent: Workload[] }).agent.sort((a, b) => (a.name < b.name ? -1 : 1))
			return (
				JSON.stringify({ console: wanted, agent: wanted }) === JSON.stringify({ ...(last as object), agent: inAgent })
			)
		})
	} catch (error) {
		expect(last, String(error)).toEqual({ console: before.map(kept), agent: before.map(kept) })
	}
	const web = before.find(({ name }) => name === 'web')
	expect((await fetch(web?.publicUrl ?? '')).status).toBe(200)
	expect(await query('SELECT word FROM kept')).toEqual([{ word: 'here' }])
	const names = await docker(
		'ps',
		'--all',
		'--filter',
		`label=lattice.node=${stack.peerId}`,
		'--format',
		'{{.Label "lattice.name"}} {{.State}}',
	)
	expect(names.split('\n').sort()).toEqual(['db running', 'idle exited', 'web running'])
}

const startTimes = async () => {
	const ids = (await docker('ps', '--quiet', '--filter', `label=lattice.node=${stack.peerId}`)).split('\n').sort()
	return docker('inspect', '--format', '{{.Id}} {{.State.StartedAt}}', ...ids)
}

const nodeWhen = (what: string, isSo: (node: Node) => boolean) =>
	until(what, 40_000, async () => (await owner.node.list.query()).find(isSo))

async function kill(part: 'console' | 'agent' | 'postgres'): Promise<void> {
	const pid = await until(`a ${part}`, 10_000, () => stack.pidOf(part))
	process.kill(pid, 'SIGKILL')
	await until(`another ${part}`, 20_000, () => {
		const next = stack.pidOf(part)
		return next !== null && next !== pid
	})
}

describe('SIGKILL', () => {
	it.each(['agent', 'console', 'postgres'] as const)(
		'of the %s: it is started again, containers did not notice',
		async (part) => {
			const started = await startTimes()
			await kill(part)
			await everythingIsBack()
			expect(await startTimes()).toBe(started)
			expect(stack.output).toContain(`${part} was ended by SIGKILL; starting it again`)
		},
	)

	it('of all of up: containers go on, and the next up finds them', async () => {
		const started = await startTimes()
		const urls = [stack.consoleUrl, stack.agentUrl, stack.peerId]
		await stack.stop('SIGKILL')
		expect((await fetch(before.find(({ name }) => name === 'web')?.publicUrl ?? '')).status).toBe(200)
		await stack.start()
		expect([stack.consoleUrl, stack.agentUrl, stack.peerId]).toEqual(urls)
		await everythingIsBack()
		expect(await startTimes()).toBe(started)
	})
})

describe('a restart', () => {
	it('of up by Ctrl-C ends with 0 and leaves containers alone', async () => {
		const started = await startTimes()
		expect(await stack.stop('SIGINT')).toBe(0)
		for (const part of ['console', 'agent', 'postgres'] as const) expect(stack.pidOf(part)).toBeNull()
		await stack.start()
		await everythingIsBack()
		expect(await startTimes()).toBe(started)
	})

	it('of the engine: says so meanwhile, and brings back what ran, and only that', async () => {
		const startEngine = await stopEngine()
		try {
			await until('nothing is said to run', 30_000, async () =>
				(await list()).every(({ status }) => status !== 'running'),
			)
			const { engine } = await nodeWhen('the node says that its engine is away', ({ engine }) => !engine.ready)
			expect(engine.reason).toMatch(/\.$/)
		} finally {
			await startEngine()
		}
		await everythingIsBack(60_000)
		await nodeWhen('the node has its engine again', ({ engine }) => engine.ready)
	})
})
