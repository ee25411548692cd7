import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { CommandResult } from '../protocol/index.ts'
import { LatticeError } from '../protocol/index.ts'
import { MemoryRuntime } from '../runtime/memory-runtime.ts'
import { codeOf, mortal, Rig, WORKLOAD } from './rig.fixture.ts'

const config = { image: 'app:1', volumes: [{ name: 'data', path: '/data' }], healthcheck: { command: ['true'] } }
const MINE = { 'lattice.workload': WORKLOAD }

let folder: string
let rigs: Rig[]

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'lattice-rig-'))
	rigs = []
})

afterEach(async () => {
	await Promise.race([Promise.all(rigs.map((rig) => rig.stop())), new Promise((resolve) => setTimeout(resolve, 50))])
	rmSync(folder, { recursive: true, force: true })
})

async function start(runtime: MemoryRuntime): Promise<Rig> {
	const rig = await Rig.start(join(folder, 'store.sqlite'), runtime)
	rigs.push(rig)
	return rig
}

const restart = { kind: 'restart', commandId: 'restart-001', workloadId: WORKLOAD } as const
const stop = { kind: 'stop', commandId: 'stop-00001', workloadId: WORKLOAD } as const
const remove = { kind: 'delete', commandId: 'delete-001', workloadId: WORKLOAD, volumes: true } as const

/** What each script leaves on the engine: containers by state, and volumes. */
const scripts: {
	name: string
	last: (rig: Rig) => Promise<CommandResult>
	before: ((rig: Rig) => Promise<CommandResult>)[]
	containers: string[]
	volumes: number
}[] = [
	{ name: 'deploy', before: [], last: (rig) => rig.deploy(config), containers: ['running'], volumes: 1 },
	{
		name: 'restart',
		before: [(rig) => rig.deploy(config)],
		last: (rig) => rig.change(restart),
		containers: ['running'],
		volumes: 1,
	},
	{
		name: 'stop',
		before: [(rig) => rig.deploy(config)],
		last: (rig) => rig.change(stop),
		containers: ['exited'],
		volumes: 1,
	},
	{
		name: 'delete',
		before: [(rig) => rig.deploy(config)],
		last: (rig) => rig.change(remove),
		containers: [],
		volumes: 0,
	},
]

describe.each(scripts)('an agent killed during $name', ({ name, before, last, containers, volumes }) => {
	it('ends in exactly one effect, wherever it dies, and answers the repeated command with the first outcome', async () => {
		const moments: string[] = []
		for (let at = 1; ; at++) {
			rmSync(folder, { recursive: true, force: true })
			folder = mkdtempSync(join(tmpdir(), 'lattice-rig-'))
			const engine = mortal({ registry: ['app:1'] })
			const first = await start(engine.runtime)
			for (const step of before) await step(first)
			const death = engine.dieAt(at)
			const done = last(first).then(
				() => kept(engine.runtime).then(() => 'done'),
				() => 'failed',
			)
			const how = await Promise.race([death, done])
			first.abandon()
			engine.revive()
			const second = await start(engine.runtime)
			await last(second)
			await kept(engine.runtime)
			const observed = await engine.runtime.list(MINE)
			expect(
				observed.map((each) => each.state),
				how,
			).toEqual(containers)
			expect(await engine.runtime.volumes(MINE), how).toHaveLength(volumes)
			expect(second.journal.open(WORKLOAD), how).toEqual([])
			await second.stop()
			if (how === 'done') break
			moments.push(how)
		}
		expect(moments.length).toBeGreaterThanOrEqual(2)
		if (name === 'deploy') expect(moments).toContain('before keepRunning')
	})
})

/** The answer does not wait for it: what runs is started again by the engine from now on. */
async function kept(runtime: MemoryRuntime): Promise<void> {
	const owed = async () => (await runtime.list(MINE)).filter((each) => each.state === 'running' && !each.keptRunning)
	await expect.poll(owed, { interval: 5 }).toEqual([])
}

const slowPull = async (operation: string, moment: string) => {
	if (operation === 'pull' && moment === 'before') await new Promise((resolve) => setTimeout(resolve, 300))
}

describe('the reconciler', () => {
	it('fails a deployment whose image does not exist, cleans up, and lets it be tried again', async () => {
		const runtime = new MemoryRuntime({ registry: [] })
		const rig = await start(runtime)
		await expect(rig.deploy(config)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
		expect(rig.workloads.report(WORKLOAD)).toMatchObject({ status: 'failed', error: { code: 'IMAGE_NOT_FOUND' } })
		expect(await runtime.volumes(MINE)).toEqual([])
		runtime.images.add('app:1')
		const { report } = await rig.change({ kind: 'start', commandId: 'start-0001', workloadId: WORKLOAD })
		expect(report?.status).toBe('running')
	})

	it('waits out an engine that goes away, says so, and goes on when it is back', async () => {
		const runtime = new MemoryRuntime({ images: ['app:1'] })
		const rig = await start(runtime)
		await rig.deploy(config)
		runtime.away = true
		const answer = rig.change(restart)
		await expect
			.poll(() => rig.workloads.report(WORKLOAD))
			.toMatchObject({ status: 'unknown', error: { code: 'ENGINE_UNAVAILABLE' } })
		runtime.away = false
		expect((await answer).report?.status).toBe('running')
	})

	it('starts again what ends after it was proven, and shows it meanwhile', async () => {
		const runtime = new MemoryRuntime({ images: ['app:1'] })
		const rig = await start(runtime)
		await rig.deploy(config)
		const [before] = await runtime.list(MINE)
		await runtime.stop(before?.id ?? '', 0)
		await expect.poll(async () => (await runtime.list(MINE))[0]?.state, { timeout: 5000 }).toBe('running')
	})

	it('starts again what was stopped right after it came up', async () => {
		const runtime = new MemoryRuntime({ images: ['app:1'] })
		const rig = await start(runtime)
		await rig.deploy(config)
		await rig.change({ kind: 'stop', commandId: 'stop-0001', workloadId: WORKLOAD })
		const { report } = await rig.change({ kind: 'start', commandId: 'start-0001', workloadId: WORKLOAD })
		expect(report?.status).toBe('running')
	})

	it('lets a later order win over one under way', async () => {
		const runtime = new MemoryRuntime({ images: ['app:1'], program: () => ({ health: 'starting' }) })
		const rig = await start(runtime)
		const deploying = rig.deploy(config).catch(codeOf)
		await expect.poll(() => rig.workloads.report(WORKLOAD)?.status).toBe('starting')
		await rig.change(remove)
		expect(await deploying).toBe('CANCELLED')
		expect(await runtime.list(MINE)).toEqual([])
	})

	it("keeps the owner's network for a workload whose container is only about to be made", async () => {
		const creating = Promise.withResolvers<void>()
		const deleted = Promise.withResolvers<void>()
		let creates = 0
		const runtime = new MemoryRuntime({
			images: ['app:1'],
			hook: async (operation, moment) => {
				if (operation !== 'create' || moment !== 'before' || ++creates !== 2) return
				creating.resolve()
				await deleted.promise
			},
		})
		const rig = await start(runtime)
		await rig.deploy(config)
		const second = rig.deploy(config, 'deploy-0002', 'other', 'w_11111111111111111111')
		await creating.promise
		await rig.change(remove)
		deleted.resolve()
		expect((await second).report?.status).toBe('running')
	})

	it('ends a pull that a deletion makes pointless', async () => {
		const runtime = new MemoryRuntime({ registry: ['app:1'], hook: slowPull })
		const rig = await start(runtime)
		const deploying = rig.deploy(config).catch(codeOf)
		await expect.poll(() => rig.workloads.report(WORKLOAD)?.status).toBe('pulling')
		await rig.change(remove)
		expect(await deploying).toBe('CANCELLED')
		expect(await runtime.hasImage('app:1')).toBe(false)
	})

	it('answers a used command id with COMMAND_MISMATCH when the order differs', async () => {
		const rig = await start(new MemoryRuntime({ images: ['app:1'] }))
		await rig.deploy(config)
		await expect(rig.deploy({ ...config, image: 'other:1' })).rejects.toSatisfy(
			(thrown) => thrown instanceof LatticeError && thrown.code === 'COMMAND_MISMATCH',
		)
	})
})
