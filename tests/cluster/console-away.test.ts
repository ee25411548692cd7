import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import type { LogLine, Workload } from '../../agent/protocol/index.ts'
import { CHATTER, createLattice, type TestLattice } from './lattice.ts'
import { until } from './until.ts'

const ALIVE = { h1: 'alive', h2: 'alive', h3: 'alive' } as const
/** past the token's 15 minutes and the 6 that clocks may differ by */
const MINUTES_22 = 22 * 60_000
const ROUNDS = 10

describe('a lattice whose console is killed', () => {
	let lattice: TestLattice

	beforeAll(async () => {
		lattice = await createLattice({ hosts: 3, clocks: true })
		// A person at h2 whose laptop has a device certificate.
		await lattice.login(lattice.h2)
		await lattice.allSee(ALIVE, lattice.machines, 10_000)
		// `up` with all it runs is gone, as in a crash of the machine's supervisor; h1's agent alone comes back.
		await lattice.h1.stop('SIGKILL')
		await lattice.h1.agent('--agent-host', '0.0.0.0', '--gateway')
		await lattice.allSee(ALIVE, lattice.machines, 10_000, { console: false })
	})
	afterAll(() => lattice?.down())
	const explainFailure = () => void onTestFailed(() => void process.stderr.write(lattice.outputs()))

	it('takes one order twice, at two nodes at once, as one workload', async () => {
		explainFailure()
		// Each name has a steward of its own, and the two messages race anew.
		for (let round = 0; round < ROUNDS; round++) {
			const order = { name: `twice-${round}`, type: 'custom', config: CHATTER }
			const headers = { 'idempotency-key': `one-order-two-nodes-${round}` }
			const answers = await Promise.all(
				[lattice.h2, lattice.h3].map((machine) =>
					lattice.rest(machine, 'POST', '/api/workloads/deploy', order, headers),
				),
			)
			expect(answers.map(({ status }) => status)).toEqual([201, 201])
			const [one, other] = answers.map(({ body }) => body)
			expect({ id: other?.id, node: other?.node }).toEqual({ id: one?.id, node: one?.node })
			expect(await lattice.placesOf(one?.id ?? '')).toEqual([one?.node?.name])
			if (round > 0) await lattice.rest(lattice.h2, 'DELETE', `/api/workloads/${one?.id}`)
		}
	})

	it('gives one of two orders the name, whichever nodes they come to', async () => {
		explainFailure()
		const order = { name: 'contested', type: 'custom', config: CHATTER }
		const answers = await Promise.all(
			lattice.machines.map((machine) => lattice.rest(machine, 'POST', '/api/workloads/deploy', order)),
		)
		expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
		const codes = answers.map(({ body }) => body.error?.code).filter((code) => code !== undefined)
		expect(new Set(codes)).toEqual(new Set(['NAME_TAKEN']))
		const winner = answers.find(({ status }) => status === 201)?.body
		expect(await lattice.placesOf(winner?.id ?? '')).toHaveLength(1)
	})

	it('keeps one of two, where both sides of a partition took one order, and the data of the other', async () => {
		explainFailure()
		const { h1, h2, h3, lab } = lattice
		for (const other of ['h1', 'h2']) await lab.cut('h3', other)
		await lattice.allSee({ ...ALIVE, h3: 'down' }, [h1, h2], 15_000, { console: false })
		await lattice.allSee({ h1: 'down', h2: 'down', h3: 'alive' }, [h3], 15_000, { console: false })
		const config = { ...CHATTER, volumes: [{ name: 'data', path: '/data' }] }
		const order = { name: 'both-sides', type: 'custom', config }
		const headers = { 'idempotency-key': 'one-order-both-sides' }
		const answers = []
		for (const machine of [h2, h3]) {
			answers.push(await lattice.rest(machine, 'POST', '/api/workloads/deploy', order, headers))
		}
		expect(answers.map(({ status }) => status)).toEqual([201, 201])
		const [first, second] = answers.map(({ body }) => body)
		const id = first?.id ?? ''
		expect(second).toMatchObject({ id, node: { name: 'h3' } })
		const place = first?.node?.name ?? ''
		expect(await lattice.placesOf(id)).toEqual([place, 'h3'].sort())
		for (const other of ['h1', 'h2']) await lab.heal('h3', other)
		await lattice.allSee(ALIVE, lattice.machines, 20_000, { console: false })
		// the earlier one by the orders' seconds, which are the same where both came at once: then either, but one for all
		const kept = await until('one of them runs', 20_000, async () => {
			const places = await lattice.placesOf(id)
			return places.length === 1 && places[0] ? places[0] : { missed: places.join() }
		})
		const gaveWay = lattice.machines.find(({ name }) => name === (kept === 'h3' ? place : 'h3')) ?? h3
		for (const machine of lattice.machines) {
			await until(`${machine.name} says so`, 10_000, async () => {
				const { body } = await lattice.rest(machine, 'GET', `/api/workloads/${id}`)
				const is = body.status === 'running' && body.node?.name === kept && body.instances?.length === 1
				return is || { missed: JSON.stringify(body) }
			})
		}
		const volumes = ['docker', 'volume', 'ls', '-q', '--filter', `label=lattice.workload=${id}`]
		expect((await gaveWay.host.exec(volumes)).stdout.split('\n').filter(Boolean)).toHaveLength(1)
		const leave = new AbortController()
		let told = ''
		for await (const chunk of lattice.stream(h2, `/api/workloads/${id}/events`, leave.signal)) {
			told += chunk
			if (told.includes('it is taken away here. Its volumes are kept on this machine.')) break
		}
		leave.abort()
	})

	it('is used from a laptop by its device certificate: deploy, list, logs, stop', async () => {
		explainFailure()
		const { h2 } = lattice
		const deployed = await h2.run<Workload>(['deploy', 'by-device', '--node', 'h3', ...words()])
		expect(deployed).toMatchObject({ status: 'running', node: { name: 'h3' } })
		expect(await lattice.placesOf(deployed.id)).toEqual(['h3'])
		const listed = await h2.run<Workload[]>(['list'])
		expect(listed.map(({ name }) => name).sort()).toEqual(['both-sides', 'by-device', 'contested', 'twice-0'])
		const { lines } = await h2.run<{ lines: LogLine[] }>(['logs', 'by-device', '-n', '5'])
		expect(lines.length).toBeGreaterThan(0)
		const stopped = await h2.run<Workload>(['stop', 'by-device'])
		expect(stopped.status).toBe('stopped')
		expect(await lattice.placesOf(deployed.id)).toEqual([])
	})

	it('still is when the access token has ended: twenty minutes later', async () => {
		explainFailure()
		for (const machine of lattice.machines) await machine.host.setClock(MINUTES_22)
		const { h2 } = lattice
		// The programs take up the new time within moments, not at once.
		const refused = await until('the token has ended', 10_000, async () => {
			const answer = await lattice.rest(h2, 'GET', '/api/workloads')
			return answer.status === 200 ? { missed: 'it is still taken' } : answer
		})
		expect(refused).toMatchObject({ status: 401, body: { error: { code: 'TOKEN_EXPIRED' } } })
		const deployed = await h2.run<Workload>(['deploy', 'later', ...words()])
		expect(deployed.status).toBe('running')
		expect((await h2.run<Workload>(['stop', 'later'])).status).toBe('stopped')
		expect((await h2.run<Workload>(['start', 'later'])).status).toBe('running')
	})

	it('is in the records when the console returns, with explanations', async () => {
		explainFailure()
		await lattice.h1.stop()
		await lattice.h1.up('--name', 'h1')
		await lattice.freshBearer()
		const wanted = {
			'both-sides': 'running',
			'by-device': 'stopped',
			contested: 'running',
			later: 'running',
			'twice-0': 'running',
		}
		const records = await until('the console records what was ordered without it', 20_000, async () => {
			const list = await lattice.trpc().workload.list.query()
			const seen = Object.fromEntries(list.map(({ name, status }) => [name, status]))
			const same = JSON.stringify(Object.entries(seen).sort()) === JSON.stringify(Object.entries(wanted))
			return same ? list : { missed: JSON.stringify(seen) }
		})
		for (const { id, node } of records) {
			const { chosen, candidates } = await lattice.trpc().workload.explain.query({ id })
			expect(chosen.map((each) => each.node.name)).toEqual([node?.name])
			expect(candidates.length).toBeGreaterThan(0)
			// And it can be commanded by the console as if it had ordered it.
			await lattice.trpc().workload.delete.mutate({ id })
		}
		await until('all is deleted', 20_000, async () => (await lattice.trpc().workload.list.query()).length === 0)
		for (const { id } of records) expect(await lattice.placesOf(id)).toEqual([])
	})
})

function words(): string[] {
	const { image, command, resources } = CHATTER
	return ['--image', image, '--command', command.join(' '), '--memory', `${resources.memoryMiB}`, '--cpus', '0.1']
}
