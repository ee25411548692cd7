import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { PullProgress } from '../../agent/protocol/index.ts'
import { containerOutputContract } from './container-output.ts'
import { linesOf, RuntimeFixture, type RuntimeUnderTest, refusal } from './runtime-fixture.ts'

/** What every ContainerRuntime does, whatever is behind it (agent/runtime/runtime.ts). */
export function containerRuntimeContract(makeRuntime: () => Promise<RuntimeUnderTest>): void {
	const fixture = new RuntimeFixture(makeRuntime)
	const { network, mine, planOf, run, until } = fixture

	describe('engine and images', () => {
		it('says what the machine is', async () => {
			const info = await fixture.runtime.info()
			expect(info.version).toMatch(/^\d+\./)
			expect(info.cpus).toBeGreaterThan(0)
			expect(info.memoryBytes).toBeGreaterThan(0)
			expect(info.diskFreeBytes).toBeLessThanOrEqual(info.diskTotalBytes)
			expect(info.images).toContain(fixture.under.image)
		})

		it('knows which images are present', async () => {
			expect(await fixture.runtime.hasImage(fixture.under.image)).toBe(true)
			expect(await fixture.runtime.hasImage(fixture.under.remote.missing)).toBe(false)
		})

		it('pulls with progress that only rises and ends at 100', async () => {
			await fixture.under.forget(fixture.under.remote.pullable)
			const reports: PullProgress[] = []
			await fixture.runtime.pull(fixture.under.remote.pullable, (progress) => reports.push(progress))
			expect(await fixture.runtime.hasImage(fixture.under.remote.pullable)).toBe(true)
			const percents = reports.map((report) => report.percent)
			expect(percents).toEqual(percents.toSorted((a, b) => a - b))
			expect(reports.at(-1)).toMatchObject({ percent: 100, image: fixture.under.remote.pullable })
			expect(reports.at(-1)?.layersDone).toBe(reports.at(-1)?.layers)
			expect(percents.filter((percent) => percent === 100)).toHaveLength(1)
			// present already: nothing to load, and no error
			await fixture.runtime.pull(fixture.under.remote.pullable, () => undefined)
		})

		it('tells an image that does not exist from a registry out of reach', async () => {
			const { missing, unreachable } = fixture.under.remote
			const absent = await refusal(
				'IMAGE_NOT_FOUND',
				fixture.runtime.pull(missing, () => undefined),
			)
			expect(absent.message).toContain(missing)
			const away = await refusal(
				'REGISTRY_UNREACHABLE',
				fixture.runtime.pull(unreachable, () => undefined),
			)
			expect(away.message).toContain(unreachable)
			expect(await fixture.runtime.hasImage(unreachable)).toBe(false)
		})

		it('stops a pull when it is aborted', async () => {
			await fixture.under.forget(fixture.under.remote.pullable)
			const abort = new AbortController()
			const pull = fixture.runtime.pull(fixture.under.remote.pullable, () => abort.abort(), abort.signal)
			await refusal('CANCELLED', pull)
			await refusal(
				'CANCELLED',
				fixture.runtime.pull(fixture.under.remote.pullable, () => undefined, AbortSignal.abort()),
			)
		})
	})

	describe('networks and volumes', () => {
		it('makes a network once, however many ask at once', async () => {
			const name = `${network}-race`
			await Promise.all(Array.from({ length: 8 }, () => fixture.runtime.ensureNetwork(name, mine)))
			await fixture.runtime.ensureNetwork(name, mine)
			// two networks of one name would make this ambiguous
			await fixture.runtime.ensureNetwork(network, mine)
			const id = await run({ network: name })
			expect(await fixture.runtime.removeNetwork(name)).toBe(false)
			await fixture.runtime.stop(id, 0)
			// a stopped container still needs its network
			expect(await fixture.runtime.removeNetwork(name)).toBe(false)
			await fixture.runtime.remove(id)
			expect(await fixture.runtime.removeNetwork(name)).toBe(true)
			expect(await fixture.runtime.removeNetwork(name)).toBe(true)
		})

		it('keeps volumes by label, and never hands one to another owner', async () => {
			const name = `${network}-volume`
			await fixture.runtime.ensureVolume(name, mine)
			await fixture.runtime.ensureVolume(name, { ...mine, 'lattice.generation': '2' })
			expect(await fixture.runtime.volumes(mine)).toEqual([{ name, labels: mine }])
			expect(await fixture.runtime.volumes({ ...mine, 'lattice.owner': 'eve' })).toEqual([])
			await refusal('WRONG_STATE', fixture.runtime.ensureVolume(name, { ...mine, 'lattice.owner': 'eve' }))
			await fixture.runtime.removeVolume(name)
			await fixture.runtime.removeVolume(name)
			expect(await fixture.runtime.volumes(mine)).toEqual([])
		})
	})

	describe('containers', () => {
		it('creates without starting, and a repeat finds the same one', async () => {
			const plan = planOf()
			const id = await fixture.runtime.create(plan)
			expect(await fixture.runtime.create(plan)).toBe(id)
			expect(await fixture.runtime.inspect(id)).toMatchObject({
				id,
				name: plan.name,
				labels: plan.labels,
				image: fixture.under.image,
				state: 'created',
				health: 'none',
				exitCode: null,
				startedAt: null,
				finishedAt: null,
				restarts: 0,
				keptRunning: false,
				address: null,
			})
		})

		it('makes one container of many creates at once', async () => {
			const plan = planOf()
			const ids = await Promise.all(Array.from({ length: 6 }, () => fixture.runtime.create(plan)))
			expect(new Set(ids).size).toBe(1)
			expect(await fixture.runtime.list(plan.labels)).toHaveLength(1)
		})

		it('leaves a container of the same name and other labels alone', async () => {
			const plan = planOf()
			const id = await fixture.runtime.create(plan)
			const other = { ...plan, labels: { ...plan.labels, 'lattice.generation': '2' } }
			await refusal('WRONG_STATE', fixture.runtime.create(other))
			expect((await fixture.runtime.inspect(id))?.labels).toEqual(plan.labels)
		})

		it('says that an image is missing, and leaves nothing behind', async () => {
			const plan = planOf({ image: fixture.under.remote.missing })
			await refusal('IMAGE_NOT_FOUND', fixture.runtime.create(plan))
			expect(await fixture.runtime.list(plan.labels)).toEqual([])
		})

		it('starts, stops, starts again and removes; each may be repeated', async () => {
			const id = await run({
				ports: [{ container: 80, protocol: 'http', bindings: [{ address: '127.0.0.1', port: 28_411 }] }],
			})
			await fixture.runtime.start(id)
			const running = await fixture.runtime.inspect(id)
			expect(running).toMatchObject({
				state: 'running',
				exitCode: null,
				address: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
				ports: [{ container: 80, address: '127.0.0.1', port: 28_411 }],
			})
			expect(Date.now() - Date.parse(running?.startedAt ?? '')).toBeLessThan(60_000)
			await fixture.runtime.stop(id, 5)
			await fixture.runtime.stop(id, 5)
			expect(await fixture.runtime.inspect(id)).toMatchObject({
				state: 'exited',
				exitCode: expect.any(Number),
				address: null,
				ports: [{ container: 80, address: '127.0.0.1', port: 28_411 }],
			})
			await fixture.runtime.start(id)
			expect((await fixture.runtime.inspect(id))?.state).toBe('running')
			await fixture.runtime.remove(id)
			await fixture.runtime.remove(id)
			expect(await fixture.runtime.inspect(id)).toBeNull()
			await fixture.runtime.stop(id, 0)
			await fixture.runtime.keepRunning(id)
			await refusal('NOT_FOUND', fixture.runtime.start(id))
		})

		it('kills a container that ignores SIGTERM when its time is over', async () => {
			const id = await run({ command: fixture.under.commands.ignoreTerm })
			await linesOf(fixture.runtime.logs(id, { replica: 0, tail: 10, follow: true }), 1)
			const started = performance.now()
			await fixture.runtime.stop(id, 1)
			expect(performance.now() - started).toBeGreaterThan(900)
			expect(performance.now() - started).toBeLessThan(8_000)
			expect(await fixture.runtime.inspect(id)).toMatchObject({ state: 'exited', exitCode: 137 })
		})

		it('leaves ended what ends before it is to be kept running, with its exit code', async () => {
			const id = await run({ command: fixture.under.commands.exit(3) })
			await until(id, ({ state }) => state === 'exited')
			await delay(500)
			expect(await fixture.runtime.inspect(id)).toMatchObject({ state: 'exited', exitCode: 3, restarts: 0 })
		})

		it('is started again by the engine when it ends by itself, until it is stopped', async () => {
			const id = await fixture.runtime.create(planOf({ command: fixture.under.commands.exit(3) }))
			await fixture.runtime.keepRunning(id)
			expect(await fixture.runtime.inspect(id)).toMatchObject({ state: 'created', keptRunning: true })
			await fixture.runtime.start(id)
			await until(id, ({ restarts }) => restarts >= 2)
			expect(await until(id, ({ state }) => state === 'restarting')).toMatchObject({ exitCode: 3 })
			await fixture.runtime.stop(id, 1)
			const stopped = await until(id, ({ state }) => state === 'exited')
			await delay(1_500)
			expect(await fixture.runtime.inspect(id)).toMatchObject({ state: 'exited', restarts: stopped.restarts })
		})

		it('shows what a health check comes to', async () => {
			const check = { intervalMs: 200, timeoutMs: 2_000, retries: 1, startPeriodMs: 0 }
			const well = await run({ healthcheck: { ...check, command: fixture.under.checks.passes } })
			const ill = await run({ healthcheck: { ...check, command: fixture.under.checks.fails } })
			await until(well, ({ health }) => health === 'healthy')
			await until(ill, ({ health, state }) => health === 'unhealthy' && state === 'running')
		})

		it('names the port that is taken, and starts when it is free', async () => {
			const ports = [{ container: 80, protocol: 'tcp' as const, bindings: [{ address: '127.0.0.1', port: 28_412 }] }]
			const first = await run({ ports })
			const second = await fixture.runtime.create(planOf({ ports }))
			const error = await refusal('PORT_TAKEN', fixture.runtime.start(second))
			expect(error.facts).toMatchObject({ address: '127.0.0.1', port: 28_412 })
			expect((await fixture.runtime.inspect(second))?.state).not.toBe('running')
			await fixture.runtime.remove(first)
			await fixture.runtime.start(second)
			expect((await fixture.runtime.inspect(second))?.state).toBe('running')
		})

		it('lists by all of the labels', async () => {
			const a = await fixture.runtime.create(
				planOf({ labels: { ...mine, 'lattice.workload': 'a', 'lattice.replica': '0' } }),
			)
			const b = await fixture.runtime.create(
				planOf({ labels: { ...mine, 'lattice.workload': 'a', 'lattice.replica': '1' } }),
			)
			const ids = async (labels: Record<string, string>) =>
				(await fixture.runtime.list(labels)).map(({ id }) => id).sort()
			expect(await ids({ ...mine, 'lattice.workload': 'a' })).toEqual([a, b].sort())
			expect(await ids({ ...mine, 'lattice.workload': 'a', 'lattice.replica': '1' })).toEqual([b])
			expect(await ids({ ...mine, 'lattice.workload': 'b' })).toEqual([])
		})
	})

	containerOutputContract(fixture)
}
