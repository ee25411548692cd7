import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import type { Workload } from '../../agent/protocol/index.ts'
import { CHATTER, createLattice, type TestLattice } from './lattice.ts'
import { until } from './until.ts'

const ALIVE = { h1: 'alive', h2: 'alive', h3: 'alive' } as const
const H3_DOWN = { ...ALIVE, h3: 'down' } as const
/** The goal is 3 s; the rest is for two cores that run three machines, a database and this test. */
const SOON_MS = 8_000
const FIVE_MINUTES = 5 * 60_000

describe('three machines, one of which is lost', () => {
	let lattice: TestLattice
	let id: string

	beforeAll(async () => {
		lattice = await createLattice({ hosts: 3, clocks: true })
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

	it('serves as before while its clock is five minutes off, either way', async () => {
		explainFailure()
		const { h2, h3 } = lattice
		for (const offset of [FIVE_MINUTES, -FIVE_MINUTES]) {
			await h3.host.setClock(offset)
			const { stdout } = await h3.host.exec([process.execPath, '-p', 'Date.now()'])
			expect(Math.abs(Number(stdout) - Date.now() - offset)).toBeLessThan(30_000)
			await lattice.allSee(ALIVE, lattice.machines, SOON_MS)
			const stopped = await lattice.rest(h2, 'POST', `/api/workloads/${id}/stop`)
			expect(stopped).toMatchObject({ status: 200, body: { status: 'stopped' } })
			await lattice.record(id, 'stopped')
			await lattice.trpc().workload.start.mutate({ id })
			await lattice.record(id, 'running')
			// New orders in both directions: what it is given, and what it gives others.
			for (const [entry, host] of [
				[h2, h3],
				[h3, h2],
			] as const) {
				const order = { name: 'other-time', type: 'custom', config: { ...CHATTER, node: host.name } }
				const { status, body } = await lattice.rest(entry, 'POST', '/api/workloads/deploy', order)
				expect({ status, node: body.node?.name }).toEqual({ status: 201, node: host.name })
				expect((await lattice.rest(entry, 'DELETE', `/api/workloads/${body.id}`)).status).toBe(200)
				await until('its name is free', SOON_MS, async () => (await lattice.trpc().workload.list.query()).length === 1)
			}
		}
		await h3.host.setClock(0)
		await isBack()
	})

	it('says so within seconds when its cable is pulled, and changes nothing there until it is back', async () => {
		explainFailure()
		await lattice.lab.cut('h3')
		await isLost()
		await lattice.lab.heal('h3')
		await isBack()
	})

	it('says so when it hangs for half a minute, and of the order that it was at, which is not lost', async () => {
		explainFailure()
		const { h2, h3 } = lattice
		// Its first check comes after seconds: until then the order is under way.
		const healthcheck = { command: ['chatter', '1', '0'], intervalSeconds: 4 }
		const order = { name: 'under-way', type: 'custom', config: { ...CHATTER, node: 'h3', healthcheck } }
		const key = { 'idempotency-key': 'given-to-one-that-hangs' }
		let told = ''
		let frozen: Promise<void> | null = null
		for await (const chunk of lattice.stream(h2, '/api/workloads/deploy', AbortSignal.timeout(20_000), order, key)) {
			told += chunk
			if (frozen !== null || !told.includes('"accepted"')) continue
			await h3.host.freeze()
			frozen = delay(30_000)
		}
		expect(told).toContain('HOST_UNREACHABLE')
		await isLost()
		await frozen
		await h3.host.thaw()
		await lattice.allSee(ALIVE, lattice.machines, 20_000)
		const { status, body } = await lattice.rest(h2, 'POST', '/api/workloads/deploy', order, key)
		expect({ status, node: body.node?.name }).toEqual({ status: 201, node: 'h3' })
		expect(await lattice.placesOf(body.id)).toEqual(['h3'])
		expect((await lattice.rest(h2, 'DELETE', `/api/workloads/${body.id}`)).status).toBe(200)
		await until('its record is gone', SOON_MS, async () => (await lattice.trpc().workload.list.query()).length === 1)
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
