import type { Sample, StatsSample } from '../protocol/index.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'
import type { MachineReading } from './machine.ts'
import { rateOf } from './rates.ts'
import type { SampleStore } from './sample-store.ts'

export interface SampledReplica {
	workloadId: string
	replica: number
	containerId: string
	cpus: number
}

export interface SamplerModules {
	runtime: Pick<ContainerRuntime, 'stats'>
	machine: () => Promise<MachineReading>
	/** the replicas of this host that run */
	replicas: () => SampledReplica[]
	/** of the engine's disk; null before the engine was asked */
	disk: () => { used: number; total: number } | null
	store: SampleStore
	log: { warn(facts: object, message: string): void }
}

const EVERY_MS = 5_000
/** The engine takes a second or two for one; more at once than this would only queue inside it. */
const AT_ONCE = 64

/** Measures the machine and each own container, and tells those who follow. */
export class Sampler {
	readonly #modules: SamplerModules
	readonly #everyMs: number
	readonly #listeners = new Set<(samples: Sample[]) => void>()
	readonly #lastOf = new Map<string, StatsSample>()
	#lastMachine: MachineReading | null = null
	#timer: NodeJS.Timeout | null = null
	#stopping = new AbortController()
	#round: Promise<void> = Promise.resolve()
	#complained = false

	constructor(modules: SamplerModules, everyMs = EVERY_MS) {
		this.#modules = modules
		this.#everyMs = everyMs
	}

	start(): void {
		this.#stopping = new AbortController()
		const next = () => {
			const begun = performance.now()
			this.#round = this.sample().finally(() => {
				if (this.#stopping.signal.aborted) return
				this.#timer = setTimeout(next, Math.max(0, this.#everyMs - (performance.now() - begun)))
			})
		}
		next()
	}

	async stop(): Promise<void> {
		this.#stopping.abort()
		if (this.#timer) clearTimeout(this.#timer)
		await this.#round
	}

	/** What cannot be measured now is left out; it never ends the sampler. */
	async sample(): Promise<void> {
		const { signal } = this.#stopping
		try {
			const samples = [await this.#machine(), ...(await this.#replicas(signal))]
			if (signal.aborted) return
			this.#modules.store.add(samples)
			for (const listener of [...this.#listeners]) listener(samples)
			this.#complained = false
		} catch (error) {
			if (!this.#complained) this.#modules.log.warn({ err: error }, 'this machine could not be measured')
			this.#complained = true
		}
	}

	/** Each round from the call on, until the signal; a follower that does not read keeps the newest rounds only. */
	async *follow(signal: AbortSignal): AsyncIterable<Sample[]> {
		const waiting: Sample[][] = []
		let wake = (): void => undefined
		const listener = (samples: Sample[]) => {
			waiting.push(samples)
			if (waiting.length > 12) waiting.shift()
			wake()
		}
		const onAbort = () => wake()
		this.#listeners.add(listener)
		signal.addEventListener('abort', onAbort)
		try {
			while (!signal.aborted) {
				const samples = waiting.shift()
				if (samples) yield samples
				else {
					await new Promise<void>((resolve) => {
						wake = resolve
						if (signal.aborted) resolve()
					})
				}
			}
		} finally {
			this.#listeners.delete(listener)
			signal.removeEventListener('abort', onAbort)
		}
	}

	async #machine(): Promise<Sample> {
		const reading = await this.#modules.machine()
		const before = this.#lastMachine
		this.#lastMachine = reading
		const seconds = before === null ? 0 : (reading.at - before.at) / 1000
		const disk = this.#modules.disk()
		return {
			workloadId: null,
			replica: null,
			at: new Date().toISOString(),
			cpu: rateOf(before?.busySeconds, reading.busySeconds, seconds),
			cpuLimit: reading.cores,
			memoryBytes: reading.memoryBytes,
			memoryLimitBytes: reading.memoryLimitBytes,
			diskBytes: disk?.used ?? null,
			diskLimitBytes: disk?.total ?? null,
			rxRate: rateOf(before?.rxBytes, reading.rxBytes, seconds),
			txRate: rateOf(before?.txBytes, reading.txBytes, seconds),
			readRate: rateOf(before?.readBytes, reading.readBytes, seconds),
			writeRate: rateOf(before?.writtenBytes, reading.writtenBytes, seconds),
		}
	}

	async #replicas(signal: AbortSignal): Promise<Sample[]> {
		const replicas = this.#modules.replicas()
		const present = new Set(replicas.map(({ containerId }) => containerId))
		for (const id of this.#lastOf.keys()) if (!present.has(id)) this.#lastOf.delete(id)
		const samples: Sample[] = []
		for (let from = 0; from < replicas.length; from += AT_ONCE) {
			const some = replicas.slice(from, from + AT_ONCE).map((replica) => this.#replica(replica, signal))
			for (const sample of await Promise.all(some)) if (sample) samples.push(sample)
		}
		return samples
	}

	async #replica(replica: SampledReplica, signal: AbortSignal): Promise<Sample | null> {
		const { containerId, workloadId, cpus } = replica
		const measured = await this.#stats(replica, signal)
		if (measured === null) return null
		const before = this.#lastOf.get(containerId)
		this.#lastOf.set(containerId, measured)
		const seconds = before === undefined ? 0 : (Date.parse(measured.at) - Date.parse(before.at)) / 1000
		return {
			workloadId,
			replica: replica.replica,
			at: new Date().toISOString(),
			cpu: measured.cpu,
			cpuLimit: cpus,
			memoryBytes: measured.memoryBytes,
			memoryLimitBytes: measured.memoryLimitBytes,
			diskBytes: null,
			diskLimitBytes: null,
			rxRate: rateOf(before?.networkRxBytes, measured.networkRxBytes, seconds),
			txRate: rateOf(before?.networkTxBytes, measured.networkTxBytes, seconds),
			readRate: rateOf(before?.diskReadBytes, measured.diskReadBytes, seconds),
			writeRate: rateOf(before?.diskWrittenBytes, measured.diskWrittenBytes, seconds),
		}
	}

	/** null: it has just ended, or the engine is away, which the node's status says already */
	async #stats({ containerId, replica }: SampledReplica, signal: AbortSignal): Promise<StatsSample | null> {
		const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#everyMs * 2)])
		try {
			for await (const sample of this.#modules.runtime.stats(containerId, { replica, follow: false, signal: deadline }))
				return sample
		} catch {
			return null
		}
		return null
	}
}
