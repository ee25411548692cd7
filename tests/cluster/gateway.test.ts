import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import type { Endpoint, Workload } from '../../agent/protocol/index.ts'
import { BUSYBOX } from '../fixtures/images.ts'
import { createLattice, type TestLattice } from './lattice.ts'
import type { Machine } from './machine.ts'
import { until } from './until.ts'

const WEB = {
	image: BUSYBOX,
	ports: [{ container: 8080, protocol: 'http' }],
	resources: { memoryMiB: 32, cpus: 0.2 },
}
/** From the death of the gateway's process until its address answers again: of a machine whose cores are busy. */
const RESTART_MS = 15_000

describe('two gateways in front of workloads on other hosts', () => {
	let lattice: TestLattice
	let web: Workload

	beforeAll(async () => {
		lattice = await createLattice({ hosts: 3, members: 1 })
		await lattice.join(lattice.h2)
		await lattice.join(lattice.h3, '--gateway')
	})
	afterAll(() => lattice?.down())
	const explainFailure = () => void onTestFailed(() => void process.stderr.write(lattice.outputs()))

	async function deploy(name: string, config: object): Promise<Workload> {
		const order = { name, type: 'custom', config }
		const { status, body } = await lattice.rest(lattice.h2, 'POST', '/api/workloads/deploy', order)
		expect(status, JSON.stringify(body)).toBe(201)
		return body
	}

	/** What this gateway gives, as that machine's agent knows it. */
	function urlOf(workload: Workload, gateway: Machine, knownBy = lattice.h2): Promise<string> {
		return until(`${workload.name} at ${gateway.name}`, 10_000, async () => {
			const { body } = await lattice.rest(knownBy, 'GET', `/api/workloads/${workload.id}`)
			const isThere = (each: Endpoint) => each.via?.name === gateway.name && each.path !== undefined
			const found = body.endpoints.find((each) => isThere(each) && each.url.includes(gateway.host.ip))
			return found?.url ?? { missed: JSON.stringify(body.endpoints) }
		})
	}

	/** The host name of the container that answered. */
	async function answered(url: string): Promise<string> {
		const response = await fetch(`${url}/cgi-bin/index.cgi`)
		expect(response.status).toBe(200)
		return /^hostname=(.*)$/m.exec(await response.text())?.[1] ?? ''
	}

	it('fronts a workload on h2 at h1 and at h3, and every node and the console list both', async () => {
		explainFailure()
		const { h1, h2, h3 } = lattice
		web = await deploy('web', { ...WEB, node: 'h2' })
		for (const gateway of [h1, h3]) {
			for (const machine of lattice.machines) expect(await urlOf(web, gateway, machine)).toMatch(/^http:\/\/10\./)
			await answered(await urlOf(web, gateway))
		}
		const workload = await until('the endpoints in the console', 10_000, async () => {
			const record = await lattice.trpc().workload.get.query({ id: web.id })
			const gateways = new Set(record.endpoints.flatMap(({ via }) => via?.name ?? []))
			return gateways.size === 2 ? record : { missed: JSON.stringify(record.endpoints) }
		})
		expect(workload.publicUrl).toBe(workload.endpoints[0]?.url)
		expect(workload.endpoints[0]?.kind).toBe('gateway')
		expect(workload.endpoints[0]?.path).toMatchObject({
			kind: expect.stringMatching(/^(direct|ready)$/),
			through: null,
		})
		// The containers listen on loopback of their host alone.
		const { stdout } = await h2.host.exec(['docker', 'ps', '--format', '{{.Ports}}'])
		expect(stdout).not.toMatch(/0\.0\.0\.0|10\./)
	})

	it('shares requests between replicas on several hosts, and goes on without one that dies', async () => {
		explainFailure()
		const pair = await deploy('pair', { ...WEB, replicas: 3 })
		const url = await urlOf(pair, lattice.h1)
		const seen = new Set<string>()
		await until('answers of all three', 10_000, async () => {
			seen.add(await answered(url))
			return seen.size === 3 || { missed: [...seen].join() }
		})
		const [victim] = await lattice.h2.containers(`label=lattice.workload=${pair.id}`)
		await lattice.h2.host.exec(['docker', 'kill', victim ?? ''])
		// Each of them is answered, also those that were meant for the one that died.
		for (let turn = 0; turn < 30; turn++) await answered(url)
	})

	it('serves at h3 while the process of h1 is dead, and at h1 again within moments', async () => {
		explainFailure()
		const { h1, h3 } = lattice
		const [first, second] = [await urlOf(web, h1), await urlOf(web, h3)]
		process.kill((await h1.pidOf('agent')) ?? 0, 'SIGKILL')
		await answered(second)
		await until('h1 again', RESTART_MS, () => answered(first).catch(() => null))
	})

	it('goes on at h3 with console and h1 gone for good', async () => {
		explainFailure()
		const { h1, h2, h3 } = lattice
		const url = await urlOf(web, h3)
		await h1.stop('SIGKILL')
		await answered(url)
		// What is dead is given to nobody.
		await until('h1 is no way any more', 15_000, async () => {
			const { body } = await lattice.rest(h2, 'GET', `/api/workloads/${web.id}`)
			return body.endpoints.every(({ via }) => via?.name !== 'h1') || { missed: JSON.stringify(body.endpoints) }
		})
		expect((await lattice.rest(h2, 'GET', `/api/workloads/${web.id}`)).body.publicUrl).toBe(url)
	})
})
