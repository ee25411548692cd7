import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import type { Workload } from '../../agent/protocol/index.ts'
import { CHATTER, createLattice, type TestLattice } from './lattice.ts'
import { until } from './until.ts'

const ALIVE = { h1: 'alive', h2: 'alive', h3: 'alive' } as const

describe('three machines, joined with one pasted line each', () => {
	let lattice: TestLattice
	let id: string

	beforeAll(async () => {
		lattice = await createLattice({ hosts: 3 })
	})
	afterAll(() => lattice?.down())
	const explainFailure = () => void onTestFailed(() => void process.stderr.write(lattice.outputs()))

	it('all see all, on the console and on every agent', async () => {
		explainFailure()
		await lattice.allSee(ALIVE, lattice.machines, 10_000)
	})

	it('takes an order at h2 and runs it on h3, which alone has room', async () => {
		explainFailure()
		const { h1, h2, h3 } = lattice
		// What h1 and h2 hold leaves less than the order asks for; by names, so that it does not depend on luck.
		const node = await lattice.trpc().node.list.query()
		const memoryMiB = Math.floor((node[0]?.capacity.memoryBytes ?? 0) / 2 ** 20)
		for (const machine of [h1, h2]) {
			const config = {
				...CHATTER,
				node: machine.name,
				resources: { memoryMiB: Math.floor(memoryMiB * 0.7), cpus: 0.1 },
			}
			const { status } = await lattice.rest(h2, 'POST', '/api/workloads/deploy', {
				name: `big-on-${machine.name}`,
				type: 'custom',
				config,
			})
			expect(status).toBe(201)
		}
		const order = {
			name: 'chatter',
			type: 'custom',
			config: { ...CHATTER, resources: { memoryMiB: Math.floor(memoryMiB * 0.4), cpus: 0.1 } },
		}
		const { status, body } = await lattice.rest(h2, 'POST', '/api/workloads/deploy', order)
		expect(status).toBe(201)
		expect(body).toMatchObject({ status: 'running', node: { name: 'h3', peerId: h3.peerId } })
		id = body.id
		expect(await lattice.placesOf(id)).toEqual(['h3'])
	})

	it('shows it at every agent and in the records of the console, with the same explanation', async () => {
		explainFailure()
		const record = await lattice.record(id, 'running')
		expect(record.node).toEqual({ name: 'h3', peerId: lattice.h3.peerId })
		const explanation = await lattice.trpc().workload.explain.query({ id })
		expect(explanation.chosen.map(({ node }) => node.name)).toEqual(['h3'])
		expect(explanation.rejected.map(({ node }) => node.name).sort()).toEqual(['h1', 'h2'])
		for (const machine of lattice.machines) {
			await until(`${machine.name} lists it`, 5_000, async () => {
				const { body } = await lattice.rest<Workload[]>(machine, 'GET', '/api/workloads')
				return body.some((workload) => workload.id === id && workload.node?.name === 'h3')
			})
			const { body } = await lattice.rest(machine, 'GET', `/api/workloads/${id}/explain`)
			expect(body).toEqual(explanation)
		}
	})

	it('reads its log through h2, once and live, and through the console', async () => {
		explainFailure()
		const { h2 } = lattice
		const { body } = await lattice.rest(h2, 'GET', `/api/workloads/${id}/logs?lines=20`)
		// It writes a line each moment, and was deployed just now.
		expect(body.lines.length).toBeGreaterThan(0)
		const leave = new AbortController()
		let seen = ''
		for await (const chunk of lattice.stream(h2, `/api/workloads/${id}/logs?lines=1&follow=1`, leave.signal)) {
			seen += chunk
			// Lines come one by one: these were written after the stream began.
			if (seen.split('"text"').length > 6) break
		}
		leave.abort()
		const { lines } = await lattice.trpc().workload.logs.query({ id, lines: 20 })
		expect(lines.length).toBeGreaterThan(1)
	})

	it('stops, starts, restarts and deletes it through h2 and through the console', async () => {
		explainFailure()
		const { h1, h2 } = lattice
		const stopped = await lattice.rest(h2, 'POST', `/api/workloads/${id}/stop`)
		expect(stopped).toMatchObject({ status: 200, body: { status: 'stopped' } })
		await lattice.record(id, 'stopped')
		expect(await lattice.placesOf(id)).toEqual([])
		await lattice.trpc().workload.start.mutate({ id })
		await lattice.record(id, 'running')
		expect(await lattice.placesOf(id)).toEqual(['h3'])
		const restarted = await lattice.rest(h1, 'POST', `/api/workloads/${id}/restart`)
		expect(restarted).toMatchObject({ status: 200, body: { status: 'running' } })
		const deleted = await lattice.rest(h2, 'DELETE', `/api/workloads/${id}`)
		expect(deleted).toMatchObject({ status: 200, body: { status: 'deleting' } })
		expect(await lattice.placesOf(id)).toEqual([])
		await until('the record is gone', 5_000, async () => {
			const records = await lattice.trpc().workload.list.query()
			return records.every((workload) => workload.id !== id)
		})
	})

	it('spreads replicas over the machines, and scales them by the console, a node and the command line', async () => {
		explainFailure()
		const { h1, h2 } = lattice
		const config = { ...CHATTER, replicas: 3 }
		const order = { name: 'many', type: 'custom', config }
		const { status, body } = await lattice.rest(h2, 'POST', '/api/workloads/deploy', order)
		expect(status).toBe(201)
		id = body.id
		expect(await lattice.placesOf(id)).toEqual(['h1', 'h2', 'h3'])
		const steps: [() => Promise<unknown>, number][] = [
			[() => lattice.trpc().workload.scale.mutate({ id, replicas: 5 }), 5],
			[() => lattice.rest(h2, 'POST', `/api/workloads/${id}/scale`, { replicas: 2 }), 2],
			[() => h1.run(['scale', 'many', '4']), 4],
			[() => h1.run(['scale', 'many', '3', '--agent', lattice.h3.agentUrl]), 3],
		]
		for (const [scale, replicas] of steps) {
			await scale()
			const record = await until(`${replicas} replicas in the records`, 20_000, async () => {
				const workload = await lattice.trpc().workload.get.query({ id })
				const running = workload.instances?.filter((instance) => instance.status === 'running') ?? []
				const is = running.length === replicas && workload.replicas === replicas && workload.status === 'running'
				return is ? workload : { missed: JSON.stringify(workload) }
			})
			const indexes = Array.from({ length: replicas }, (_, index) => index)
			expect(record.instances?.map((instance) => instance.replica)).toEqual(indexes)
			const places = await lattice.placesOf(id)
			expect(record.instances?.map(({ node }) => node?.name).sort()).toEqual(places)
			for (const machine of lattice.machines) {
				await until(`${machine.name} counts ${replicas}`, 5_000, async () => {
					const seen = await lattice.rest(machine, 'GET', `/api/workloads/${id}`)
					return seen.body.instances?.length === replicas || { missed: JSON.stringify(seen.body) }
				})
			}
		}
		expect((await lattice.rest(h2, 'DELETE', `/api/workloads/${id}`)).status).toBe(200)
		expect(await lattice.placesOf(id)).toEqual([])
	})

	it('comes up again with no console: addresses outlive every process', async () => {
		explainFailure()
		await Promise.all(lattice.machines.map((machine) => machine.stop()))
		await Promise.all(lattice.machines.map((machine) => machine.agent()))
		await lattice.allSee(ALIVE, lattice.machines, 15_000, { console: false })
	})
})
