import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import type { LogLine, PeerPath, Workload } from '../../agent/protocol/index.ts'
import { CHATTER, createLattice, type TestLattice } from './lattice.ts'
import type { Machine } from './machine.ts'
import { until } from './until.ts'

const ALIVE = { h1: 'alive', h2: 'alive', h3: 'alive', h4: 'alive' } as const
/** The goal is 5 s; the rest is for two cores that run four machines, a database and this test. */
const BACK_MS = 15_000

describe('two machines behind NATs of their own, which nobody can dial', () => {
	let lattice: TestLattice
	let h4: Machine
	let id: string

	beforeAll(async () => {
		lattice = await createLattice({ hosts: 4, nat: 2 })
		h4 = lattice.machine('h4')
	})
	afterAll(() => lattice?.down())
	const explainFailure = () => void onTestFailed(() => void process.stderr.write(lattice.outputs()))

	/** How `from` reaches `to`, by its own word. */
	async function path(from: Machine, to: Machine): Promise<PeerPath | undefined> {
		const { status, body } = await lattice.rest<PeerPath[]>(from, 'GET', `/api/nodes/${from.peerId}/peers`)
		return status === 200 ? body.find(({ peerId }) => peerId === to.peerId) : undefined
	}

	it('are members like any other: they reach the open ones directly and each other through one of those', async () => {
		explainFailure()
		const { h1, h2, h3, machines } = lattice
		expect([h3.host.nat, h4.host.nat]).toEqual([true, true])
		await lattice.allSee(ALIVE, machines, 20_000)
		await until('h3 and h4 are connected through a relay', 20_000, async () => {
			const found = await path(h3, h4)
			return found?.through ? true : { missed: JSON.stringify(found) }
		})
		for (const open of [h1, h2]) expect((await path(h3, open))?.through).toBeNull()
	})

	it('run what another node was asked to place, and are commanded there, by the console and by each other', async () => {
		explainFailure()
		const { h2 } = lattice
		const order = { name: 'inside', type: 'custom', config: { ...CHATTER, node: 'h3' } }
		const { status, body } = await lattice.rest(h2, 'POST', '/api/workloads/deploy', order)
		expect(status).toBe(201)
		id = body.id
		expect(await lattice.placesOf(id)).toEqual(['h3'])
		const logs = await lattice.rest(h2, 'GET', `/api/workloads/${id}/logs?lines=5`)
		expect(logs.body.lines.length).toBeGreaterThan(0)
		await lattice.record(id, 'running')
		await lattice.trpc().workload.stop.mutate({ id })
		await lattice.record(id, 'stopped')
		expect(await lattice.placesOf(id)).toEqual([])
		const started = await lattice.rest(h4, 'POST', `/api/workloads/${id}/start`)
		expect(started).toMatchObject({ status: 200, body: { status: 'running' } })
		const relayed = await lattice.rest(h4, 'GET', `/api/workloads/${id}/logs?lines=5`)
		expect(relayed.body.lines.length).toBeGreaterThan(0)
	})

	it('take orders for each other', async () => {
		explainFailure()
		const order = { name: 'outside', type: 'custom', config: { ...CHATTER, node: 'h4' } }
		const { status, body } = await lattice.rest(lattice.h3, 'POST', '/api/workloads/deploy', order)
		expect(status).toBe(201)
		expect(await lattice.placesOf(body.id)).toEqual(['h4'])
	})

	it('are back by the other relay within seconds when theirs hangs', async () => {
		explainFailure()
		const { h1, h2, h3 } = lattice
		const through = (await path(h3, h4))?.through
		const relay = [h1, h2].find(({ name }) => name === through)
		if (!relay) throw new Error(`no relay ${through}`)
		// Silence, not a closed connection: nobody is told.
		await relay.host.freeze()
		const frozen = performance.now()
		try {
			await until('h3 reaches h4 by another relay', BACK_MS, async () => {
				const found = await path(h3, h4)
				return (found?.through && found.through !== through) || { missed: JSON.stringify(found) }
			})
			const listed = await lattice.rest(h3, 'GET', '/api/workloads/outside/logs?lines=3')
			expect(listed.body.lines.length).toBeGreaterThan(0)
			console.info(`a relay hung: h3 reads h4's log by the other after ${Math.round(performance.now() - frozen)} ms`)
		} finally {
			await relay.host.thaw()
		}
		await lattice.allSee(ALIVE, lattice.machines, 30_000)
	})

	it('are back by themselves after their uplink was gone', async () => {
		explainFailure()
		const { h1, h2, h3 } = lattice
		await lattice.lab.cut('h3')
		await lattice.allSee({ ...ALIVE, h3: 'down' }, [h1, h2, h4], 10_000)
		await lattice.lab.heal('h3')
		const healed = performance.now()
		await lattice.allSee(ALIVE, lattice.machines, 30_000)
		await until('h3 and h4 are connected again', 20_000, async () => (await path(h4, h3)) !== undefined)
		console.info(`an uplink was back: all see all, h4 reaches h3, after ${Math.round(performance.now() - healed)} ms`)
		await lattice.record(id, 'running')
		const stopped = await lattice.rest(h4, 'POST', `/api/workloads/${id}/stop`)
		expect(stopped).toMatchObject({ status: 200, body: { status: 'stopped' } })
	})

	it('are used by a person behind the other NAT with a device certificate, with no console', async () => {
		explainFailure()
		const { h1, h3 } = lattice
		await lattice.login(h4)
		await h1.stop('SIGKILL')
		await h1.agent('--agent-host', '0.0.0.0')
		await lattice.allSee(ALIVE, lattice.machines, 20_000, { console: false })
		const started = await h4.run<Workload>(['start', 'inside'])
		expect(started.status).toBe('running')
		expect(await lattice.placesOf(id)).toEqual(['h3'])
		const { lines } = await h4.run<{ lines: LogLine[] }>(['logs', 'inside', '-n', '5'])
		expect(lines.length).toBeGreaterThan(0)
		expect(h3.host.nat).toBe(true)
	})
})
