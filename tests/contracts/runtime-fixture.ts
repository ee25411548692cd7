import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { type ErrorCode, LatticeError, type LogLine } from '../../agent/protocol/index.ts'
import type { ContainerPlan, ContainerRuntime, ObservedContainer } from '../../agent/runtime/runtime.ts'

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

/** One runtime for a whole suite; containers go after each test, everything else at the end. */
export class RuntimeFixture {
	readonly network = `lattice-test-${RUN}`
	readonly mine = { 'lattice.id': RUN, 'lattice.owner': 'ada' }
	#under: RuntimeUnderTest | null = null
	#plans = 0

	constructor(makeRuntime: () => Promise<RuntimeUnderTest>) {
		beforeAll(async () => {
			this.#under = await makeRuntime()
			await this.runtime.ensureNetwork(this.network, this.mine)
		})
		afterEach(async () => {
			for (const container of await this.runtime.list(this.mine)) await this.runtime.remove(container.id)
		})
		afterAll(async () => {
			for (const volume of await this.runtime.volumes(this.mine)) await this.runtime.removeVolume(volume.name)
			await this.runtime.removeNetwork(this.network)
			await this.under.dispose()
		})
	}

	get under(): RuntimeUnderTest {
		if (this.#under === null) throw new Error('the runtime exists within tests only')
		return this.#under
	}

	get runtime(): ContainerRuntime {
		return this.under.runtime
	}

	readonly planOf = (overrides: Partial<ContainerPlan> = {}): ContainerPlan => {
		const name = `lattice-test-${RUN}-${++this.#plans}`
		return {
			name,
			image: this.under.image,
			command: this.under.commands.write([]),
			env: {},
			labels: { ...this.mine, 'lattice.workload': name },
			network: this.network,
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

	readonly run = async (overrides: Partial<ContainerPlan> = {}): Promise<string> => {
		const id = await this.runtime.create(this.planOf(overrides))
		await this.runtime.start(id)
		return id
	}

	readonly until = async (
		id: string,
		condition: (container: ObservedContainer) => boolean,
	): Promise<ObservedContainer> => {
		const deadline = Date.now() + 20_000
		for (;;) {
			const container = await this.runtime.inspect(id)
			if (container !== null && condition(container)) return container
			if (Date.now() > deadline) throw new Error(`it did not come to that: ${JSON.stringify(container)}`)
			await delay(20)
		}
	}
}

/** The error, which must have this code and be a whole sentence, for people. */
export async function refusal(code: ErrorCode, work: Promise<unknown>): Promise<LatticeError> {
	const error = await work.then(
		() => new Error(`nothing failed, ${code} was expected`),
		(thrown: unknown) => thrown,
	)
	if (!(error instanceof LatticeError) || error.code !== code) throw error
	expect(error.message).toMatch(/^[A-Za-z].{8,}\.$/s)
	return error
}

export async function linesOf(batches: AsyncIterable<LogLine[]>, count = Number.POSITIVE_INFINITY): Promise<LogLine[]> {
	const lines: LogLine[] = []
	for await (const batch of batches) {
		lines.push(...batch)
		if (lines.length >= count) break
	}
	return lines
}
