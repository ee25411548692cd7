import { EventEmitter, on } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { LatticeError, type LogLine, type PullProgress, type StatsSample } from '../protocol/index.ts'
import { MemoryContainer, type MemoryProgram } from './memory-container.ts'
import { MemoryExec } from './memory-exec.ts'
import type {
	ContainerPlan,
	ContainerRuntime,
	EngineInfo,
	ExecOptions,
	ExecSession,
	LogOptions,
	ObservedContainer,
	RuntimeEvent,
	StatsOptions,
} from './runtime.ts'

export type MemoryOperation = Exclude<keyof ContainerRuntime, 'logs' | 'stats' | 'events' | 'exec'>

export interface MemoryRuntimeOptions {
	/** on the engine from the start */
	images?: string[]
	/** can be pulled; others are not found */
	registry?: string[]
	/** what a container does when it is started; default: it runs on, and is healthy */
	program?: (plan: ContainerPlan) => MemoryProgram
	/** awaited around each operation; what it throws the caller gets: a crash before, or after the effect */
	hook?: (operation: MemoryOperation, moment: 'before' | 'after') => void | Promise<void>
}

const MIB = 1024 * 1024

/**
 * An engine in memory for unit tests, held to the same contract suite as the real one (tests/contracts). Beside the
 * contract: `images`, `failPull`, `occupied`, `away` and `container(id)` let a test play the world.
 */
export class MemoryRuntime implements ContainerRuntime {
	readonly images: Set<string>
	/** errors that pulls of an image end with */
	readonly failPull = new Map<string, LatticeError>()
	/** `address:port` that something else on the host listens on */
	readonly occupied = new Set<string>()
	/** the engine does not answer */
	away = false
	readonly #options: MemoryRuntimeOptions
	readonly #containers = new Map<string, MemoryContainer>()
	readonly #networks = new Map<string, Record<string, string>>()
	readonly #volumes = new Map<string, Record<string, string>>()
	readonly #events = new EventEmitter<{ event: [RuntimeEvent] }>().setMaxListeners(0)
	#made = 0

	constructor(options: MemoryRuntimeOptions = {}) {
		this.#options = options
		this.images = new Set(options.images)
	}

	/** The container behind an id, to let it exit, fall ill or write. */
	container(id: string): MemoryContainer {
		return found(this.#containers.get(id), 'container', id)
	}

	info(): Promise<EngineInfo> {
		return this.#operation('info', () => ({
			version: '20.10.0',
			apiVersion: '1.41',
			arch: 'amd64',
			os: 'linux',
			cpus: 2,
			memoryBytes: 8192 * MIB,
			diskTotalBytes: 102_400 * MIB,
			diskFreeBytes: 51_200 * MIB,
			images: [...this.images].sort(),
		}))
	}

	hasImage(image: string): Promise<boolean> {
		return this.#operation('hasImage', () => this.images.has(image))
	}

	pull(image: string, onProgress: (progress: PullProgress) => void, signal?: AbortSignal): Promise<void> {
		return this.#operation('pull', async () => {
			const failure = this.failPull.get(image)
			if (failure !== undefined) throw failure
			if (!this.images.has(image) && !this.#options.registry?.includes(image)) throw missing(image)
			for (const percent of [0, 50]) {
				onProgress({ image, currentBytes: percent, totalBytes: 100, percent, layersDone: 0, layers: 1 })
				await delay(1)
				if (signal?.aborted) throw new LatticeError('CANCELLED', 'The request was cancelled.')
			}
			this.images.add(image)
			onProgress({ image, currentBytes: 100, totalBytes: 100, percent: 100, layersDone: 1, layers: 1 })
		})
	}

	ensureNetwork(name: string, labels: Record<string, string>): Promise<void> {
		return this.#operation('ensureNetwork', () => {
			if (!this.#networks.has(name)) this.#networks.set(name, labels)
		})
	}

	removeNetwork(name: string): Promise<boolean> {
		return this.#operation('removeNetwork', () => {
			if ([...this.#containers.values()].some(({ plan }) => plan.network === name)) return false
			this.#networks.delete(name)
			return true
		})
	}

	ensureVolume(name: string, labels: Record<string, string>): Promise<void> {
		return this.#operation('ensureVolume', () => {
			const existing = this.#volumes.get(name)
			if (existing === undefined) this.#volumes.set(name, labels)
			else if (existing['lattice.owner'] !== labels['lattice.owner']) {
				throw new LatticeError('WRONG_STATE', `Another volume has the name ${name} on this node.`, { volume: name })
			}
		})
	}

	removeVolume(name: string): Promise<void> {
		return this.#operation('removeVolume', () => {
			const used = [...this.#containers.values()].some(({ plan }) =>
				plan.volumes.some((volume) => volume.name === name),
			)
			if (used) throw new LatticeError('WRONG_STATE', `The volume ${name} is in use by a container; remove that first.`)
			this.#volumes.delete(name)
		})
	}

	volumes(labels: Record<string, string>): Promise<{ name: string; labels: Record<string, string> }[]> {
		return this.#operation('volumes', () =>
			[...this.#volumes].filter(([, own]) => carries(own, labels)).map(([name, own]) => ({ name, labels: own })),
		)
	}

	create(plan: ContainerPlan): Promise<string> {
		return this.#operation('create', () => {
			if (!this.images.has(plan.image)) throw missing(plan.image)
			const existing = [...this.#containers.values()].find((container) => container.plan.name === plan.name)
			if (existing !== undefined) {
				if (carries(existing.plan.labels, plan.labels)) return existing.id
				throw new LatticeError('WRONG_STATE', `Another container has the name ${plan.name} on this node.`)
			}
			const id = String(++this.#made).padStart(64, '0')
			const container = new MemoryContainer(id, structuredClone(plan), this.#options.program?.(plan) ?? {})
			this.#containers.set(id, container)
			for (const { name } of plan.volumes) if (!this.#volumes.has(name)) this.#volumes.set(name, {})
			container.on('changed', (action) => this.#announce(container, action))
			this.#announce(container, 'create')
			return id
		})
	}

	start(id: string): Promise<void> {
		return this.#operation('start', () => {
			const container = this.container(id)
			if (container.running) return
			found(this.#networks.get(container.plan.network), 'network', container.plan.network)
			for (const { address, port } of container.plan.ports.flatMap((planned) => planned.bindings)) {
				if (this.#taken(container, port) || this.occupied.has(`${address}:${port}`)) {
					throw new LatticeError('PORT_TAKEN', `Port ${port} of ${address} is taken on this node.`, { address, port })
				}
			}
			container.start()
		})
	}

	keepRunning(id: string): Promise<void> {
		return this.#operation('keepRunning', () => this.#containers.get(id)?.keepRunning())
	}

	stop(id: string, timeoutS: number): Promise<void> {
		return this.#operation('stop', async () => {
			const container = this.#containers.get(id)
			if (container === undefined) return
			if (container.running && container.ignoresTerm) await delay(timeoutS * 1000)
			container.stop(container.ignoresTerm ? 137 : 143)
		})
	}

	remove(id: string): Promise<void> {
		return this.#operation('remove', () => {
			const container = this.#containers.get(id)
			if (container === undefined) return
			container.stop(137)
			this.#containers.delete(id)
			this.#announce(container, 'destroy')
		})
	}

	inspect(id: string): Promise<ObservedContainer | null> {
		return this.#operation('inspect', () => this.#containers.get(id)?.observe(addressOf(id)) ?? null)
	}

	list(labels: Record<string, string>): Promise<ObservedContainer[]> {
		return this.#operation('list', () =>
			[...this.#containers.values()]
				.filter((container) => carries(container.plan.labels, labels))
				.map((container) => container.observe(addressOf(container.id))),
		)
	}

	async *logs(id: string, options: LogOptions): AsyncGenerator<LogLine[]> {
		const { replica, tail, follow, since, signal } = options
		this.#answering()
		const container = this.container(id)
		const history = container.log.filter((line) => since === undefined || line.at >= since)
		let at = container.log.length - Math.min(tail, history.length)
		while (!signal?.aborted) {
			const lines = container.log.slice(at).map((line) => ({ ...line, replica }))
			at += lines.length
			if (lines.length > 0) yield lines
			else if (!follow || !container.running) return
			else await delay(1)
		}
	}

	async *stats(id: string, options: StatsOptions): AsyncGenerator<StatsSample> {
		this.#answering()
		const container = this.container(id)
		while (container.running && !options.signal?.aborted) {
			yield {
				replica: options.replica,
				at: new Date().toISOString(),
				cpu: 0,
				memoryBytes: MIB,
				memoryLimitBytes: container.plan.memoryBytes,
				networkRxBytes: 0,
				networkTxBytes: 0,
				pids: 1,
				diskReadBytes: 0,
				diskWrittenBytes: 0,
			}
			if (!options.follow) return
			await delay(5)
		}
	}

	/** Echoes its input, and ends with it; `exit N` as its command or input ends it at once. */
	async exec(id: string, options: ExecOptions): Promise<ExecSession> {
		this.#answering()
		const container = this.container(id)
		if (!container.running)
			throw new LatticeError('WRONG_STATE', 'The container does not run; start it first.', { container: id })
		return new MemoryExec(container, options)
	}

	async *events(
		labels: Record<string, string>,
		signal: AbortSignal,
		onSubscribed?: () => void,
	): AsyncGenerator<RuntimeEvent> {
		this.#answering()
		const subscription = on(this.#events, 'event', { signal })
		onSubscribed?.()
		try {
			for await (const [event] of subscription as AsyncIterable<[RuntimeEvent]>) {
				if (carries(event.labels, labels)) yield event
			}
		} catch (error) {
			if (!signal.aborted) throw error
		}
	}

	#announce(container: MemoryContainer, action: string): void {
		const labels = { ...container.plan.labels }
		const at = new Date().toISOString()
		this.#events.emit('event', { kind: 'container', action, containerId: container.id, labels, at })
	}

	#taken(own: MemoryContainer, port: number): boolean {
		const bound = (container: MemoryContainer) => container.plan.ports.flatMap((planned) => planned.bindings)
		return [...this.#containers.values()].some(
			(other) => other !== own && other.running && bound(other).some((binding) => binding.port === port),
		)
	}

	#answering(): void {
		if (this.away) throw new LatticeError('ENGINE_UNAVAILABLE', 'The engine in memory is away.')
	}

	async #operation<T>(operation: MemoryOperation, effect: () => T | Promise<T>): Promise<T> {
		await this.#options.hook?.(operation, 'before')
		this.#answering()
		const result = await effect()
		await this.#options.hook?.(operation, 'after')
		return result
	}
}

function carries(own: Record<string, string>, wanted: Record<string, string>): boolean {
	return Object.entries(wanted).every(([key, value]) => own[key] === value)
}

function missing(image: string): LatticeError {
	return new LatticeError('IMAGE_NOT_FOUND', `The image ${image} does not exist.`, { image })
}

function found<T>(value: T | undefined, what: string, name: string): T {
	if (value === undefined) throw new LatticeError('NOT_FOUND', `No such ${what}: ${name}.`, { [what]: name })
	return value
}

/** Never dialled: loopback addresses that nothing listens on. */
function addressOf(id: string): string {
	return `127.1.${Math.floor(Number(id) / 250)}.${(Number(id) % 250) + 1}`
}
