import { beforeEach, describe, expect, it } from 'vitest'
import { LatticeError, type WorkloadReport } from '../protocol/index.ts'
import { FakeLattice, OWNER } from './fake-lattice.fixture.ts'
import { resultOf } from './results.ts'

const never = new AbortController().signal
const APP = { name: 'app', type: 'custom', config: { image: 'app:1' } }
const three = { ...APP, config: { image: 'app:1', replicas: 3 } }

let lattice: FakeLattice

beforeEach(() => {
	lattice = new FakeLattice(['a', 'b', 'c'])
})

const deploy = (entry: string, order: object = APP) => lattice.entry(entry).deploy(OWNER, order, never)
const rejection = (work: Promise<unknown>) =>
	work.then(
		() => null,
		(error: unknown) => LatticeError.from(error),
	)

describe('an order', () => {
	it('runs on one host, whose result is the answer', async () => {
		const { report } = await resultOf(deploy('a'))
		expect(lattice.placesOf('app')).toEqual([report?.node.peerId])
	})

	it('is one workload when two nodes get it at once, under one command id', async () => {
		const order = { ...APP, commandId: 'same-order-1' }
		const answers = await Promise.all([resultOf(deploy('a', order)), resultOf(deploy('b', order))])
		expect(lattice.placesOf('app')).toHaveLength(1)
		expect(new Set(answers.map(({ report }) => report?.id)).size).toBe(1)
	})

	it('is one workload when one node gets it twice at once, under one command id', async () => {
		const order = { ...APP, commandId: 'same-order-1' }
		const answers = await Promise.all([resultOf(deploy('a', order)), resultOf(deploy('a', order))])
		expect(lattice.placesOf('app')).toHaveLength(1)
		expect(new Set(answers.map(({ report }) => report?.id)).size).toBe(1)
	})

	it('wins its name over another order that comes to another node at once', async () => {
		const answers = await Promise.all([rejection(resultOf(deploy('a'))), rejection(resultOf(deploy('b')))])
		expect(answers.map((error) => error?.code ?? null).sort()).toEqual(['NAME_TAKEN', null])
		expect(lattice.placesOf('app')).toHaveLength(1)
	})

	it('goes to the next candidate when the first refuses or cannot be reached', async () => {
		const placement = lattice.entry('a').dryRun(OWNER, APP)
		const [first, second] = placement.candidates.map(({ node }) => node.peerId)
		lattice.host(first ?? '').answer = () => {
			throw new LatticeError('HOST_UNREACHABLE', 'gone')
		}
		lattice.host(second ?? '').answer = () => {
			throw new LatticeError('NODE_REFUSED', 'full')
		}
		const { report } = await resultOf(deploy('a', { ...APP, commandId: undefined }))
		expect([first, second]).not.toContain(report?.node.peerId)
	})

	it('is not given to another host when the first may have it', async () => {
		for (const host of lattice.hosts) {
			host.answer = () => {
				throw new LatticeError('HOST_UNREACHABLE', 'gone', { sent: true })
			}
		}
		expect((await rejection(resultOf(deploy('a'))))?.code).toBe('HOST_UNREACHABLE')
		expect(lattice.hosts.flatMap(({ seen }) => seen).filter(({ kind }) => kind === 'deploy')).toHaveLength(1)
	})

	it('that fits nowhere leaves its name free', async () => {
		for (const host of lattice.hosts) {
			host.answer = () => {
				throw new LatticeError('NODE_REFUSED', 'full')
			}
		}
		const error = await rejection(resultOf(deploy('a')))
		expect(error).toMatchObject({ code: 'NO_NODE_FITS', facts: { rejected: [{ reason: 'full' }, {}, {}] } })
		for (const host of lattice.hosts) host.answer = null
		await resultOf(deploy('b'))
		expect(lattice.placesOf('app')).toHaveLength(1)
	})

	it('finds the next steward when the first is dead', async () => {
		const steward = lattice.stewardOf('app')
		const entry = ['a', 'b', 'c'].find((name) => name !== steward) ?? ''
		const ordering = resultOf(deploy(entry))
		lattice.kill(steward)
		setTimeout(() => lattice.judge(steward, 'down'), 50)
		await ordering
		expect(lattice.placesOf('app')).toHaveLength(1)
	})
})

describe('replicas', () => {
	it('spread over the hosts, and are one workload', async () => {
		const { report } = await resultOf(deploy('a', three))
		expect(report?.replicas.map(({ index }) => index)).toEqual([0, 1, 2])
		expect(lattice.placesOf('app')).toEqual(['a', 'b', 'c'])
		await lattice.heard()
		const [whole] = lattice.entry('b').list(OWNER)
		expect(whole?.replicas.map(({ index }) => index)).toEqual([0, 1, 2])
	})

	it('stay where they are when one of several hosts refuses', async () => {
		lattice.host('b').answer = () => {
			throw new LatticeError('NODE_REFUSED', 'full')
		}
		const { report } = await resultOf(deploy('a', three))
		expect(report?.replicas).toHaveLength(3)
		expect(new Set(lattice.placesOf('app'))).toEqual(new Set(['a', 'c']))
		expect(indexes()).toEqual([0, 1, 2])
	})

	it('scale up and down, each index once', async () => {
		await resultOf(deploy('a'))
		await lattice.heard()
		const id = lattice.entry('a').list(OWNER)[0]?.id ?? ''
		for (const replicas of [4, 2, 5, 1]) {
			await resultOf(lattice.entry('b').scale(OWNER, id, { replicas }, never))
			await lattice.heard()
			expect(indexes()).toEqual(Array.from({ length: replicas }, (_, index) => index))
			const [whole] = lattice.entry('c').list(OWNER)
			expect(whole?.replicas.map(({ index }) => index)).toEqual(indexes())
			expect(whole?.placement.chosen).toHaveLength(replicas)
		}
	})

	it('of two scalings at once one changes nothing', async () => {
		await resultOf(deploy('a', three))
		await lattice.heard()
		const id = lattice.entry('a').list(OWNER)[0]?.id ?? ''
		const scale = (entry: string, replicas: number) =>
			rejection(resultOf(lattice.entry(entry).scale(OWNER, id, { replicas }, never)))
		const answers = await Promise.all([scale('a', 5), scale('b', 6)])
		expect(answers.filter((error) => error?.code === 'STALE_GENERATION')).toHaveLength(1)
		expect([5, 6]).toContain(indexes().length)
		expect(indexes()).toEqual([...new Set(indexes())])
	})

	it('are not changed while one of their hosts is away', async () => {
		await resultOf(deploy('a', three))
		await lattice.heard()
		const id = lattice.entry('a').list(OWNER)[0]?.id ?? ''
		lattice.judge('c', 'down')
		const error = await rejection(resultOf(lattice.entry('a').scale(OWNER, id, { replicas: 1 }, never)))
		expect(error?.code).toBe('HOST_UNREACHABLE')
		expect(indexes()).toEqual([0, 1, 2])
	})
})

function indexes(): number[] {
	return lattice.hosts
		.flatMap((host) => host.reports())
		.flatMap((report: WorkloadReport) => report.replicas.map(({ index }) => index))
		.sort((a, b) => a - b)
}
