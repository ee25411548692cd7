import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import type { LogLine, Node, Workload } from '../../agent/protocol/index.ts'
import { ACCOUNT, CHATTER, createLattice, type TestLattice } from './lattice.ts'
import type { Machine } from './machine.ts'
import { until } from './until.ts'

const ALIVE = { h1: 'alive', h2: 'alive', h3: 'alive', h4: 'alive' } as const
/** past the token's 15 minutes and the 6 that clocks may differ by */
const MINUTES_22 = 22 * 60_000
/** The goal is 3 s; the rest is for two cores that run four machines, a database and this test. */
const SOON_MS = 8_000

/** What issue 4 calls done, in one story; many-machines, failures, console-away and nat look closer at each part. */
describe('three hosts and one behind NAT: console on h1, orders at h2, containers on h3', () => {
	let lattice: TestLattice
	let id: string

	beforeAll(async () => {
		lattice = await createLattice({ hosts: 4, nat: 1, clocks: true })
		// A person at h2 whose laptop has a device certificate.
		await lattice.login(lattice.h2)
		await lattice.allSee(ALIVE, lattice.machines, 20_000)
	})
	afterAll(() => lattice?.down())
	const explainFailure = () => void onTestFailed(() => void process.stderr.write(lattice.outputs()))

	it('takes the order at h2 and runs it on h3, which alone has room; its log is followed through h2', async () => {
		explainFailure()
		const { h2, h3, machines } = lattice
		const [node] = await lattice.trpc().node.list.query()
		const memoryMiB = Math.floor((node?.capacity.memoryBytes ?? 0) / 2 ** 20)
		const sized = (share: number, where?: Machine) => ({
			...CHATTER,
			...(where ? { node: where.name } : {}),
			resources: { memoryMiB: Math.floor(memoryMiB * share), cpus: 0.1 },
		})
		for (const machine of machines.filter((each) => each !== h3)) {
			const big = { name: `big-on-${machine.name}`, type: 'custom', config: sized(0.7, machine) }
			expect((await lattice.rest(h2, 'POST', '/api/workloads/deploy', big)).status).toBe(201)
		}
		const order = { name: 'story', type: 'custom', config: sized(0.4) }
		const { status, body } = await lattice.rest(h2, 'POST', '/api/workloads/deploy', order)
		expect(status).toBe(201)
		expect(body).toMatchObject({ status: 'running', node: { name: 'h3', peerId: h3.peerId } })
		id = body.id
		expect(await lattice.placesOf(id)).toEqual(['h3'])
		const leave = new AbortController()
		let seen = ''
		for await (const chunk of lattice.stream(h2, `/api/workloads/${id}/logs?lines=1&follow=1`, leave.signal)) {
			seen += chunk
			// Lines come one by one: these were written after the stream began.
			if (seen.split('"text"').length > 6) break
		}
		leave.abort()
	})

	it('shows h3 down at every other agent and on the dashboard when its links are cut, and alive when they are healed', async () => {
		explainFailure()
		const { h1, h2, h3, machines } = lattice
		const cookie = await cookieOf(h1)
		await lattice.lab.cut('h3')
		const cut = performance.now()
		await lattice.allSee({ ...ALIVE, h3: 'down' }, [h1, h2, lattice.machine('h4')], SOON_MS)
		await until('the dashboard shows h3 down', SOON_MS, () => dashboardShows(h1, cookie, h3, 'down'))
		console.info(`cut: down at all and on the dashboard after ${Math.round(performance.now() - cut)} ms`)
		await lattice.record(id, 'unknown', SOON_MS)
		await lattice.lab.heal('h3')
		const healed = performance.now()
		await lattice.allSee(ALIVE, machines, 20_000)
		await until('the dashboard shows h3 alive', SOON_MS, () => dashboardShows(h1, cookie, h3, 'alive'))
		console.info(`healed: alive at all and on the dashboard after ${Math.round(performance.now() - healed)} ms`)
		await lattice.record(id, 'running')
		expect(await lattice.placesOf(id)).toEqual(['h3'])
	})

	it('is used through h2 by the device certificate when the console is killed', async () => {
		explainFailure()
		const { h1, machines } = lattice
		await h1.stop('SIGKILL')
		await h1.agent('--agent-host', '0.0.0.0', '--gateway')
		await lattice.allSee(ALIVE, machines, 20_000, { console: false })
		await driveByDevice('without-console')
	})

	it('still is twenty minutes later', async () => {
		explainFailure()
		for (const { host } of lattice.machines) await host.setClock(MINUTES_22)
		await until('the access token has ended', 10_000, async () => {
			const { status, body } = await lattice.rest<Node[]>(lattice.h2, 'GET', '/api/nodes')
			return status === 401 || { missed: JSON.stringify(body) }
		})
		await driveByDevice('much-later')
	})

	it('agrees with its records when the console is back', async () => {
		explainFailure()
		const { h1, machines } = lattice
		await h1.stop()
		await h1.up('--name', 'h1')
		await lattice.freshBearer()
		await lattice.allSee(ALIVE, machines, 20_000)
		const wanted = {
			'big-on-h1': 'running',
			'big-on-h2': 'running',
			'big-on-h4': 'running',
			'much-later': 'stopped',
			story: 'running',
			'without-console': 'stopped',
		}
		const records = await until('the records are what the hosts hold', 20_000, async () => {
			const list = await lattice.trpc().workload.list.query()
			const seen = Object.fromEntries(list.map(({ name, status }) => [name, status]))
			const same = JSON.stringify(Object.entries(seen).sort()) === JSON.stringify(Object.entries(wanted).sort())
			return same ? list : { missed: JSON.stringify(seen) }
		})
		for (const machine of machines) {
			const { body } = await lattice.rest<Workload[]>(machine, 'GET', '/api/workloads')
			const seen = body.map(({ id, status, node, generation }) => [id, status, node?.name, generation])
			const recorded = records.map(({ id, status, node, generation }) => [id, status, node?.name, generation])
			expect(seen.sort()).toEqual(recorded.sort())
		}
		expect(await lattice.placesOf(id)).toEqual(['h3'])
	})

	/** Deploy, list, logs and stop on the command line of the laptop at h2. */
	async function driveByDevice(name: string): Promise<void> {
		const { h2 } = lattice
		const { image, command, resources } = CHATTER
		const words = ['--image', image, '--command', command.join(' '), '--memory', `${resources.memoryMiB}`]
		const deployed = await h2.run<Workload>(['deploy', name, ...words, '--cpus', '0.1', '--node', 'h3'])
		expect(deployed).toMatchObject({ status: 'running', node: { name: 'h3' } })
		expect(await lattice.placesOf(deployed.id)).toEqual(['h3'])
		const listed = await h2.run<Workload[]>(['list'])
		expect(listed.map((workload) => workload.name)).toEqual(expect.arrayContaining(['story', name]))
		const { lines } = await h2.run<{ lines: LogLine[] }>(['logs', name, '-n', '5'])
		expect(lines.length).toBeGreaterThan(0)
		expect((await h2.run<Workload>(['stop', name])).status).toBe('stopped')
		expect(await lattice.placesOf(deployed.id)).toEqual([])
	}
})

/** The session of a person in a browser. */
async function cookieOf({ consoleUrl }: Machine): Promise<string> {
	const response = await fetch(`${consoleUrl}/login`, {
		method: 'POST',
		redirect: 'manual',
		headers: { origin: consoleUrl, 'content-type': 'application/x-www-form-urlencoded' },
		body: new URLSearchParams(ACCOUNT),
	})
	const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0])
	if (cookies.length === 0) throw new Error(`no session: ${response.status}`)
	return cookies.join('; ')
}

async function dashboardShows({ consoleUrl }: Machine, cookie: string, node: Machine, status: Node['status']) {
	const page = await (await fetch(`${consoleUrl}/nodes`, { headers: { cookie } })).text()
	const shown = new RegExp(`data-node="${node.peerId}"[^>]*data-status="(\\w+)"`).exec(page)?.[1]
	return shown === status || { missed: shown ?? 'the node is not on the page' }
}
