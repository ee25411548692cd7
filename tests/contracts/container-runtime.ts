import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ErrorCode, LogLine, PullProgress } from '../../agent/protocol/index.ts'
import { LatticeError } from '../../agent/protocol/index.ts'
import type { ContainerPlan, ContainerRuntime, ObservedContainer, RuntimeEvent } from '../../agent/runtime/runtime.ts'

/** A runtime, and the words by which its containers are told what to do. */
export interface RuntimeUnderTest {
	runtime: ContainerRuntime
	/** present on the engine */
	image: string
	/** commands for that image */
	commands: {
		/** writes these lines on stdout, then runs until it is told to end */
		write(lines: string[]): string[]
		/** writes `line 1` … `line N` on stdout, then runs on */
		count(lines: number): string[]
		/** writes `out` on stdout and `err` on stderr, then runs on */
		bothStreams: string[]
		exit(code: number): string[]
		ignoreTerm: string[]
	}
	checks: { passes: string[]; fails: string[] }
	/** not on the engine: one that a registry has, one that it does not have, one whose registry is out of reach */
	remote: { pullable: string; missing: string; unreachable: string }
	/** makes `remote.pullable` absent again */
	forget(image: string): Promise<void>
	dispose(): Promise<void>
}

/** Unique per run: a real engine may hold what an earlier run left. */
const RUN = Math.random().toString(36).slice(2, 8)

export function containerRuntimeContract(makeRuntime: () => Promise<RuntimeUnderTest>): void {
	let under: RuntimeUnderTest
	let runtime: ContainerRuntime
	let plans = 0
	const network = `lattice-test-${RUN}`
	const mine = { 'lattice.id': RUN, 'lattice.owner': 'ada' }

	const planOf = (overrides: Partial<ContainerPlan> = {}): ContainerPlan => {
		const name = `lattice-test-${RUN}-${++plans}`
		return {
			name,
			image: under.image,
			command: under.commands.write([]),
			env: {},
			labels: { ...mine, 'lattice.workload': name },
			network,
			aliases: [],
			ports: [],
			volumes: [],
			memoryBytes: 64 * 1024 * 1024,
			cpus: 0.5,
			pids: 64,
			shmBytes: null,
			healthcheck: null,
			dropCapabilities: [],
			stopTimeoutS: 5,
			...overrides,
		}
	}

	const run = async (overrides: Partial<ContainerPlan> = {}): Promise<string> => {
		const id = await runtime.create(planOf(overrides))
		await runtime.start(id)
		return id
	}

	const refusal = async (code: ErrorCode, work: Promise<unknown>): Promise<LatticeError> => {
		const error = await work.then(
			() => new Error(`nothing failed, ${code} was expected`),
			(thrown: unknown) => thrown,
		)
		if (!(error instanceof LatticeError) || error.code !== code) throw error
		// a whole sentence, for people
		expect(error.message).toMatch(/^[A-Za-z].{8,}\.$/s)
		return error
	}

	const until = async (
		id: string,
		condition: (container: ObservedContainer) => boolean,
	): Promise<ObservedContainer> => {
		const deadline = Date.now() + 20_000
		for (;;) {
			const container = await runtime.inspect(id)
			if (container !== null && condition(container)) return container
			if (Date.now() > deadline) throw new Error(`it did not come to that: ${JSON.stringify(container)}`)
			await delay(20)
		}
	}

	const linesOf = async (batches: AsyncIterable<LogLine[]>, count = Number.POSITIVE_INFINITY): Promise<LogLine[]> => {
		const lines: LogLine[] = []
		for await (const batch of batches) {
			lines.push(...batch)
			if (lines.length >= count) break
		}
		return lines
	}

	beforeAll(async () => {
		under = await makeRuntime()
		runtime = under.runtime
	})
	afterEach(async () => {
		for (const container of await runtime.list(mine)) await runtime.remove(container.id)
	})
	afterAll(async () => {
		for (const volume of await runtime.volumes(mine)) await runtime.removeVolume(volume.name)
		await runtime.removeNetwork(network)
		await under.dispose()
	})

	describe('engine and images', () => {
		it('says what the machine is', async () => {
			const info = await runtime.info()
			expect(info.version).toMatch(/^\d+\./)
			expect(info.cpus).toBeGreaterThan(0)
			expect(info.memoryBytes).toBeGreaterThan(0)
			expect(info.diskFreeBytes).toBeLessThanOrEqual(info.diskTotalBytes)
			expect(info.images).toContain(under.image)
		})

		it('knows which images are present', async () => {
			expect(await runtime.hasImage(under.image)).toBe(true)
			expect(await runtime.hasImage(under.remote.missing)).toBe(false)
		})

		it('pulls with progress that only rises and ends at 100', async () => {
			await under.forget(under.remote.pullable)
			const reports: PullProgress[] = []
			await runtime.pull(under.remote.pullable, (progress) => reports.push(progress))
			expect(await runtime.hasImage(under.remote.pullable)).toBe(true)
			const percents = reports.map((report) => report.percent)
			expect(percents).toEqual(percents.toSorted((a, b) => a - b))
			expect(reports.at(-1)).toMatchObject({ percent: 100, image: under.remote.pullable })
			expect(reports.at(-1)?.layersDone).toBe(reports.at(-1)?.layers)
			expect(percents.filter((percent) => percent === 100)).toHaveLength(1)
			// present already: nothing to load, and no error
			await runtime.pull(under.remote.pullable, () => undefined)
		})

		it('tells an image that does not exist from a registry out of reach', async () => {
			const { missing, unreachable } = under.remote
			const absent = await refusal(
				'IMAGE_NOT_FOUND',
				runtime.pull(missing, () => undefined),
			)
			expect(absent.message).toContain(missing)
			const away = await refusal(
				'REGISTRY_UNREACHABLE',
				runtime.pull(unreachable, () => undefined),
			)
			expect(away.message).toContain(unreachable)
			expect(await runtime.hasImage(unreachable)).toBe(false)
		})

		it('stops a pull when it is aborted', async () => {
			await under.forget(under.remote.pullable)
			const abort = new AbortController()
			const pull = runtime.pull(under.remote.pullable, () => abort.abort(), abort.signal)
			await refusal('CANCELLED', pull)
			await refusal(
				'CANCELLED',
				runtime.pull(under.remote.pullable, () => undefined, AbortSignal.abort()),
			)
		})
	})

	describe('networks and volumes', () => {
		it('makes a network once, however many ask at once', async () => {
			const name = `${network}-race`
			await Promise.all(Array.from({ length: 8 }, () => runtime.ensureNetwork(name, mine)))
			await runtime.ensureNetwork(name, mine)
			// two networks of one name would make this ambiguous
			await runtime.ensureNetwork(network, mine)
			const id = await run({ network: name })
			expect(await runtime.removeNetwork(name)).toBe(false)
			await runtime.stop(id, 0)
			// a stopped container still needs its network
			expect(await runtime.removeNetwork(name)).toBe(false)
			await runtime.remove(id)
			expect(await runtime.removeNetwork(name)).toBe(true)
			expect(await runtime.removeNetwork(name)).toBe(true)
		})

		it('keeps volumes by label, and never hands one to another owner', async () => {
			const name = `lattice-test-${RUN}-volume`
			await runtime.ensureVolume(name, mine)
			await runtime.ensureVolume(name, { ...mine, 'lattice.generation': '2' })
			expect(await runtime.volumes(mine)).toEqual([{ name, labels: mine }])
			expect(await runtime.volumes({ ...mine, 'lattice.owner': 'eve' })).toEqual([])
			await refusal('WRONG_STATE', runtime.ensureVolume(name, { ...mine, 'lattice.owner': 'eve' }))
			await runtime.removeVolume(name)
			await runtime.removeVolume(name)
			expect(await runtime.volumes(mine)).toEqual([])
		})
	})

	describe('containers', () => {
		beforeAll(() => runtime.ensureNetwork(network, mine))

		it('creates without starting, and a repeat finds the same one', async () => {
			const plan = planOf()
			const id = await runtime.create(plan)
			expect(await runtime.create(plan)).toBe(id)
			expect(await runtime.inspect(id)).toMatchObject({
				id,
				name: plan.name,
				labels: plan.labels,
				image: under.image,
				state: 'created',
				health: 'none',
				exitCode: null,
				startedAt: null,
				finishedAt: null,
				restarts: 0,
				address: null,
			})
		})

		it('makes one container of many creates at once', async () => {
			const plan = planOf()
			const ids = await Promise.all(Array.from({ length: 6 }, () => runtime.create(plan)))
			expect(new Set(ids).size).toBe(1)
			expect(await runtime.list(plan.labels)).toHaveLength(1)
		})

		it('leaves a container of the same name and other labels alone', async () => {
			const plan = planOf()
			const id = await runtime.create(plan)
			const other = { ...plan, labels: { ...plan.labels, 'lattice.generation': '2' } }
			await refusal('WRONG_STATE', runtime.create(other))
			expect((await runtime.inspect(id))?.labels).toEqual(plan.labels)
		})

		it('says that an image is missing, and leaves nothing behind', async () => {
			const plan = planOf({ image: under.remote.missing })
			await refusal('IMAGE_NOT_FOUND', runtime.create(plan))
			expect(await runtime.list(plan.labels)).toEqual([])
		})

		it('starts, stops, starts again and removes; each may be repeated', async () => {
			const id = await run({
				ports: [{ container: 80, protocol: 'http', bindings: [{ address: '127.0.0.1', port: 28_411 }] }],
			})
			await runtime.start(id)
			const running = await runtime.inspect(id)
			expect(running).toMatchObject({
				state: 'running',
				exitCode: null,
				address: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
				ports: [{ container: 80, address: '127.0.0.1', port: 28_411 }],
			})
			expect(Date.now() - Date.parse(running?.startedAt ?? '')).toBeLessThan(60_000)
			await runtime.stop(id, 5)
			await runtime.stop(id, 5)
			expect(await runtime.inspect(id)).toMatchObject({
				state: 'exited',
				exitCode: expect.any(Number),
				address: null,
				ports: [{ container: 80, address: '127.0.0.1', port: 28_411 }],
			})
			await runtime.start(id)
			expect((await runtime.inspect(id))?.state).toBe('running')
			await runtime.remove(id)
			await runtime.remove(id)
			expect(await runtime.inspect(id)).toBeNull()
			await runtime.stop(id, 0)
			await refusal('NOT_FOUND', runtime.start(id))
		})

		it('kills a container that ignores SIGTERM when its time is over', async () => {
			const id = await run({ command: under.commands.ignoreTerm })
			await linesOf(runtime.logs(id, { replica: 0, tail: 10, follow: true }), 1)
			const started = performance.now()
			await runtime.stop(id, 1)
			expect(performance.now() - started).toBeGreaterThan(900)
			expect(performance.now() - started).toBeLessThan(8_000)
			expect(await runtime.inspect(id)).toMatchObject({ state: 'exited', exitCode: 137 })
		})

		it('is started again by the engine when it ends by itself, until it is stopped', async () => {
			const id = await run({ command: under.commands.exit(3) })
			await until(id, ({ restarts }) => restarts >= 2)
			expect(await until(id, ({ state }) => state === 'restarting')).toMatchObject({ exitCode: 3 })
			await runtime.stop(id, 1)
			const stopped = await until(id, ({ state }) => state === 'exited')
			await delay(1_500)
			expect(await runtime.inspect(id)).toMatchObject({ state: 'exited', restarts: stopped.restarts })
		})

		it('shows what a health check comes to', async () => {
			const check = { intervalMs: 200, timeoutMs: 2_000, retries: 1, startPeriodMs: 0 }
			const well = await run({ healthcheck: { ...check, command: under.checks.passes } })
			const ill = await run({ healthcheck: { ...check, command: under.checks.fails } })
			await until(well, ({ health }) => health === 'healthy')
			await until(ill, ({ health, state }) => health === 'unhealthy' && state === 'running')
		})

		it('names the port that is taken, and starts when it is free', async () => {
			const ports = [{ container: 80, protocol: 'tcp' as const, bindings: [{ address: '127.0.0.1', port: 28_412 }] }]
			const first = await run({ ports })
			const second = await runtime.create(planOf({ ports }))
			const error = await refusal('PORT_TAKEN', runtime.start(second))
			expect(error.facts).toMatchObject({ address: '127.0.0.1', port: 28_412 })
			expect((await runtime.inspect(second))?.state).not.toBe('running')
			await runtime.remove(first)
			await runtime.start(second)
			expect((await runtime.inspect(second))?.state).toBe('running')
		})

		it('lists by all of the labels', async () => {
			const a = await runtime.create(planOf({ labels: { ...mine, 'lattice.workload': 'a', 'lattice.replica': '0' } }))
			const b = await runtime.create(planOf({ labels: { ...mine, 'lattice.workload': 'a', 'lattice.replica': '1' } }))
			const ids = async (labels: Record<string, string>) => (await runtime.list(labels)).map(({ id }) => id).sort()
			expect(await ids({ ...mine, 'lattice.workload': 'a' })).toEqual([a, b].sort())
			expect(await ids({ ...mine, 'lattice.workload': 'a', 'lattice.replica': '1' })).toEqual([b])
			expect(await ids({ ...mine, 'lattice.workload': 'b' })).toEqual([])
		})
	})

	describe('logs', () => {
		beforeAll(() => runtime.ensureNetwork(network, mine))

		it('gives the last lines with time, stream and replica', async () => {
			const id = await run({ command: under.commands.write(['one', 'two', '', 'tail with  spaces']) })
			await linesOf(runtime.logs(id, { replica: 0, tail: 100, follow: true }), 4)
			const lines = await linesOf(runtime.logs(id, { replica: 7, tail: 3, follow: false }))
			expect(lines.map(({ text }) => text)).toEqual(['two', '', 'tail with  spaces'])
			for (const line of lines) {
				expect(line).toMatchObject({ stream: 'stdout', replica: 7 })
				expect(Math.abs(Date.now() - Date.parse(line.at))).toBeLessThan(60_000)
			}
			const since = lines[1]?.at
			const later = await linesOf(runtime.logs(id, { replica: 7, tail: 100, follow: false, since }))
			expect(later.at(-1)?.text).toBe('tail with  spaces')
			const future = new Date(Date.now() + 3_600_000).toISOString()
			expect(await linesOf(runtime.logs(id, { replica: 7, tail: 100, follow: false, since: future }))).toEqual([])
		})

		it('tells stdout from stderr', async () => {
			const id = await run({ command: under.commands.bothStreams })
			const lines = await linesOf(runtime.logs(id, { replica: 0, tail: 100, follow: true }), 2)
			expect(lines.map(({ stream, text }) => `${stream} ${text}`).sort()).toEqual(['stderr err', 'stdout out'])
		})

		it('follows ten thousand lines in order, however slowly they are read', async () => {
			const id = await run({ command: under.commands.count(10_000) })
			const texts: string[] = []
			for await (const batch of runtime.logs(id, { replica: 0, tail: 100_000, follow: true })) {
				texts.push(...batch.map(({ text }) => text))
				if (texts.length >= 10_000) break
				await delay(1)
			}
			expect(texts).toEqual(Array.from({ length: 10_000 }, (_, index) => `line ${index + 1}`))
		})

		it('ends when the container does', async () => {
			const id = await run({ command: under.commands.write(['here']) })
			const following = linesOf(runtime.logs(id, { replica: 0, tail: 10, follow: true }))
			await linesOf(runtime.logs(id, { replica: 0, tail: 10, follow: true }), 1)
			await runtime.stop(id, 1)
			expect((await following).map(({ text }) => text)).toEqual(['here'])
		})

		it('ends without an error when it is aborted', async () => {
			const id = await run({ command: under.commands.write(['here']) })
			const abort = new AbortController()
			const lines: LogLine[] = []
			for await (const batch of runtime.logs(id, { replica: 0, tail: 10, follow: true, signal: abort.signal })) {
				lines.push(...batch)
				setTimeout(() => abort.abort(), 20)
			}
			expect(lines).toHaveLength(1)
		})

		it('has none of a container that does not exist', async () => {
			await refusal('NOT_FOUND', linesOf(runtime.logs('f'.repeat(64), { replica: 0, tail: 1, follow: false })))
		})
	})

	describe('statistics and events', () => {
		beforeAll(() => runtime.ensureNetwork(network, mine))

		it('measures once, or until the container ends', async () => {
			const id = await run()
			const once = []
			for await (const sample of runtime.stats(id, { replica: 3, follow: false })) once.push(sample)
			expect(once).toHaveLength(1)
			expect(once[0]).toMatchObject({ replica: 3, memoryLimitBytes: 64 * 1024 * 1024 })
			expect(once[0]?.memoryBytes).toBeGreaterThan(0)
			expect(once[0]?.memoryBytes).toBeLessThan(64 * 1024 * 1024)
			expect(once[0]?.cpu).toBeLessThan(2)
			let samples = 0
			for await (const sample of runtime.stats(id, { replica: 0, follow: true })) {
				expect(sample.pids).toBeGreaterThan(0)
				if (++samples === 2) void runtime.stop(id, 0)
			}
			expect(samples).toBeGreaterThanOrEqual(2)
		})

		it('tells every change of containers with these labels, and of no others', async () => {
			const abort = new AbortController()
			const seen: RuntimeEvent[] = []
			const labels = { ...mine, 'lattice.workload': 'watched' }
			const subscribed = Promise.withResolvers<void>()
			const watching = (async () => {
				for await (const event of runtime.events(labels, abort.signal, subscribed.resolve)) seen.push(event)
			})()
			await subscribed.promise
			const id = await run({ labels })
			await run({ labels: { ...mine, 'lattice.workload': 'other' } })
			await runtime.stop(id, 1)
			await runtime.remove(id)
			const deadline = Date.now() + 10_000
			while (!seen.some(({ action }) => action === 'destroy') && Date.now() < deadline) await delay(10)
			abort.abort()
			await watching
			expect(seen.every((event) => event.containerId === id && event.kind === 'container')).toBe(true)
			expect(seen[0]?.labels).toEqual(labels)
			const actions = seen.map(({ action }) => action).filter((action) => action !== 'kill')
			expect(actions).toEqual(['create', 'start', 'die', 'stop', 'destroy'])
			expect(Math.abs(Date.now() - Date.parse(seen[0]?.at ?? ''))).toBeLessThan(60_000)
		})
	})
}
