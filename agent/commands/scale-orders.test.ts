import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { codeOf, Rig, WORKLOAD } from '../reconciler/rig.fixture.ts'
import { MemoryRuntime } from '../runtime/memory-runtime.ts'

let folder: string
let rig: Rig

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), 'lattice-scale-'))
	rig = await Rig.start(join(folder, 'store.sqlite'), new MemoryRuntime({ registry: ['app:1'] }))
	await rig.deploy({ image: 'app:1', healthcheck: { command: ['true'] } })
})
afterEach(async () => {
	vi.useRealTimers()
	await rig.stop()
	rmSync(folder, { recursive: true, force: true })
})

const indexes = () => rig.assignments.replicas(WORKLOAD).map(({ index }) => index)
const code = (done: Promise<unknown>) => done.then(() => null, codeOf)

describe('a scaling that gives a host more than it has', () => {
	it('is taken by a claim that gives it just that, which the host shows from then on', async () => {
		const order = await rig.scaling([0, 1])
		const { report } = await rig.change(order)
		expect(report?.replicas.map(({ index }) => index)).toEqual([0, 1])
		expect(report?.claim).toBe(order.claim)
	})

	it.each([
		['no claim', async () => ({ ...(await rig.scaling([0, 1])), claim: null })],
		['a claim of another host', () => rig.scaling([0, 1], { peerId: 'peer-two' })],
		['a claim of fewer', async () => ({ ...(await rig.scaling([0, 1])), replicas: [0, 1, 2] })],
	])('is refused with %s', async (_what, order) => {
		expect(await code(rig.change(await order()))).toBe('CLAIM_INVALID')
		expect(indexes()).toEqual([0])
	})

	it('is refused when it comes late: by the age of its claim, or by its generation', async () => {
		const late = await rig.scaling([0, 1])
		vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 10 * 60_000 })
		expect(await code(rig.change(late))).toBe('CLAIM_INVALID')
		const newer = await rig.scaling([0], { commandId: 'scale-0002', generation: 3 })
		await rig.change(newer)
		const older = await rig.scaling([0, 1], { commandId: 'scale-0003', generation: 3 })
		expect(await code(rig.change(older))).toBe('STALE_GENERATION')
		expect(indexes()).toEqual([0])
	})

	it('has one effect when it comes twice at once, with one answer', async () => {
		const order = await rig.scaling([0, 1])
		const [one, other] = await Promise.all([rig.change(order), rig.change(order)])
		expect(other).toEqual(one)
		expect(indexes()).toEqual([0, 1])
	})

	it('gives way to one of the same generation that came a moment before', async () => {
		const first = await rig.scaling([0, 1])
		const second = await rig.scaling([0, 1, 2], { commandId: 'scale-0002' })
		const codes = await Promise.all([code(rig.change(first)), code(rig.change(second))])
		expect(codes).toEqual([null, 'STALE_GENERATION'])
		expect(indexes()).toEqual([0, 1])
	})

	it('is refused for good by a host that was full, as another may have been asked', async () => {
		const order = await rig.scaling([0, 1])
		rig.isFull = true
		expect(await code(rig.change(order))).toBe('NODE_REFUSED')
		rig.isFull = false
		expect(await code(rig.change(order))).toBe('NODE_REFUSED')
		expect(indexes()).toEqual([0])
	})
})

it('a scaling that only takes away needs no claim', async () => {
	await rig.change(await rig.scaling([0, 1]))
	await rig.change({ ...(await rig.scaling([0], { commandId: 'scale-0002', generation: 3 })), claim: null })
	expect(indexes()).toEqual([0])
})

describe('what is ordered while a scaling is being checked', () => {
	it('is not undone by it', async () => {
		const scaling = rig.change(await rig.scaling([0, 1]))
		await new Promise(setImmediate)
		const stop = rig.change({ kind: 'stop', commandId: 'other-0001', workloadId: WORKLOAD })
		// it may be told that something newer came
		await scaling.catch(() => undefined)
		await stop
		expect(rig.assignments.get(WORKLOAD)?.desired).toBe('stopped')
		expect(indexes()).toEqual([0, 1])
	})

	it('deletes the whole of it', async () => {
		const scaling = rig.change(await rig.scaling([0, 1]))
		await new Promise(setImmediate)
		const deleted = rig.change({ kind: 'delete', commandId: 'other-0001', workloadId: WORKLOAD, volumes: true })
		expect(await code(deleted)).toBe(null)
		await scaling.catch(() => undefined)
		expect(rig.assignments.get(WORKLOAD)).toBeNull()
	})
})
