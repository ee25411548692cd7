import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import type { Workload } from '../../agent/protocol/index.ts'
import { CHATTER, createLattice, type TestLattice } from './lattice.ts'
import { until } from './until.ts'

const ALIVE = { h1: 'alive', h2: 'alive', h3: 'alive' } as const
const H3_DOWN = { ...ALIVE, h3: 'down' } as const
/** The goal is 3 s; the rest is for two cores that run three machines, a database and this test. */
const SOON_MS = 8_000

describe('three machines, one of which is lost', () => {
	let lattice: TestLattice
	let id: string

	beforeAll(async () => {
		lattice = await createLattice({ hosts: 3 })
		await lattice.allSee(ALIVE, lattice.machines, 10_000)
		const order = { name: 'there', type: 'custom', config: { ...CHATTER, node: 'h3' } }
		const { status, body } = await lattice.rest(lattice.h2, 'POST', '/api/workloads/deploy', order)
		expect(status).toBe(201)
		id = body.id
		await lattice.record(id, 'running')
	})
	afterAll(() => lattice?.down())
	const explainFailure = () => void onTestFailed(() => void process.stderr.write(lattice.outputs()))
	const others = () => [lattice.h1, lattice.h2]

	async function isLost(): Promise<void> {
		const { h2 } = lattice
		await lattice.allSee(H3_DOWN, others(), SOON_MS)
		await lattice.record(id, 'unknown', SOON_MS)
		for (const machine of others()) {
			const { body } = await lattice.rest<Workload[]>(machine, 'GET', '/api/workloads')
			expect(body.find((workload) => workload.id === id)?.status).toBe('unknown')
		}
		for (const action of ['stop', 'restart']) {
			const { status, body } = await lattice.rest(h2, 'POST', `/api/workloads/${id}/${action}`)
			expect({ status, code: body.error.code }).toEqual({ status: 503, code: 'HOST_UNREACHABLE' })
		}
		const refused = await lattice
			.trpc()
			.workload.stop.mutate({ id })
			.catch((error: unknown) => error)
		expect(refused).toMatchObject({ data: { lattice: { code: 'HOST_UNREACHABLE' } } })
		const elsewhere = { name: `not-there`, type: 'custom', config: { ...CHATTER, node: 'h3' } }
		const unplaced = await lattice.rest(h2, 'POST', '/api/workloads/deploy', elsewhere)
		expect(unplaced).toMatchObject({ status: 409, body: { error: { code: 'NO_NODE_FITS' } } })
	}

	async function isBack(): Promise<void> {
		await lattice.allSee(ALIVE, lattice.machines, 20_000)
		await lattice.record(id, 'running')
		expect(await lattice.placesOf(id)).toEqual(['h3'])
		const records = await lattice.trpc().workload.list.query()
		expect(records.map(({ name }) => name)).toEqual(['there'])
		for (const machine of lattice.machines) {
			await until(`${machine.name} sees it run`, SOON_MS, async () => {
				const { body } = await lattice.rest<Workload[]>(machine, 'GET', '/api/workloads')
				const seen = body.map(({ name, status }) => `${name} ${status}`)
				return JSON.stringify(seen) === '["there running"]' || { missed: JSON.stringify(seen) }
			})
		}
	}

	it('says so within seconds when its cable is pulled, and changes nothing there until it is back', async () => {
		explainFailure()
		await lattice.lab.cut('h3')
		await isLost()
		await lattice.lab.heal('h3')
		await isBack()
	})

	it('says so when it hangs for half a minute', async () => {
		explainFailure()
		await lattice.h3.host.freeze()
		const frozen = delay(30_000)
		await isLost()
		await frozen
		await lattice.h3.host.thaw()
		await isBack()
	})

	it('says so at once when it loses power, and takes it back as it was', async () => {
		explainFailure()
		await lattice.h3.host.kill()
		await isLost()
		await lattice.h3.host.boot()
		await lattice.h3.agent()
		await isBack()
	})
})
