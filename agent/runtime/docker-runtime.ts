import { LatticeError, type LogLine, type PullProgress, type StatsSample } from '../protocol/index.ts'
import { Containers } from './containers.ts'
import { defaultDockerHost } from './docker-host.ts'
import { EngineConnection } from './engine-connection.ts'
import { events } from './events.ts'
import { openExec } from './exec.ts'
import { Images } from './images.ts'
import { logs } from './logs.ts'
import { Networks } from './networks.ts'
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
import { stats } from './stats.ts'
import { Volumes } from './volumes.ts'

/** A Docker engine, 20.10 or newer, as the reconciler's runtime. What it remembers of images and networks only spares questions. */
export class DockerRuntime implements ContainerRuntime {
	readonly #engine: EngineConnection
	readonly #images: Images
	readonly #networks: Networks
	readonly #volumes: Volumes
	readonly #containers: Containers

	/** `dockerHost` as DOCKER_HOST has it; without one, what the docker CLI would use */
	constructor(options: { dockerHost?: string } = {}) {
		this.#engine = new EngineConnection(options.dockerHost ?? defaultDockerHost())
		this.#images = new Images(this.#engine)
		this.#networks = new Networks(this.#engine)
		this.#volumes = new Volumes(this.#engine)
		this.#containers = new Containers(this.#engine, this.#images)
	}

	async info(): Promise<EngineInfo> {
		const { version, system } = await this.#engine.introduce()
		const [images, disk] = await Promise.all([this.#images.tags(), this.#images.disk(system.DockerRootDir)])
		return {
			version: version.Version,
			apiVersion: version.ApiVersion,
			arch: version.Arch,
			os: version.Os,
			cpus: system.NCPU,
			memoryBytes: system.MemTotal,
			diskTotalBytes: disk.total,
			diskFreeBytes: disk.free,
			images,
		}
	}

	async hasImage(image: string): Promise<boolean> {
		return (this.#images.recall(image) ?? (await this.#images.find(image))) !== null
	}

	pull(image: string, onProgress: (progress: PullProgress) => void, signal?: AbortSignal): Promise<void> {
		return this.#images.pull(image, onProgress, signal)
	}

	ensureNetwork(name: string, labels: Record<string, string>): Promise<void> {
		return this.#networks.ensure(name, labels)
	}

	removeNetwork(name: string): Promise<boolean> {
		return this.#networks.remove(name)
	}

	ensureVolume(name: string, labels: Record<string, string>): Promise<void> {
		return this.#volumes.ensure(name, labels)
	}

	removeVolume(name: string): Promise<void> {
		return this.#volumes.remove(name)
	}

	volumes(labels: Record<string, string>): Promise<{ name: string; labels: Record<string, string> }[]> {
		return this.#volumes.list(labels)
	}

	create(plan: ContainerPlan): Promise<string> {
		return this.#containers.create(plan)
	}

	async start(id: string): Promise<void> {
		try {
			await this.#containers.start(id)
		} catch (error) {
			// So that the next `ensureNetwork` looks, and makes it again.
			if (error instanceof LatticeError && typeof error.facts.network === 'string')
				this.#networks.forget(error.facts.network)
			throw error
		}
	}

	keepRunning(id: string): Promise<void> {
		return this.#containers.keepRunning(id)
	}

	stop(id: string, timeoutS: number): Promise<void> {
		return this.#containers.stop(id, timeoutS)
	}

	remove(id: string): Promise<void> {
		return this.#containers.remove(id)
	}

	inspect(id: string): Promise<ObservedContainer | null> {
		return this.#containers.inspect(id)
	}

	list(labels: Record<string, string>): Promise<ObservedContainer[]> {
		return this.#containers.list(labels)
	}

	logs(id: string, options: LogOptions): AsyncIterable<LogLine[]> {
		return logs(this.#engine, id, options)
	}

	stats(id: string, options: StatsOptions): AsyncIterable<StatsSample> {
		return stats(this.#engine, id, options)
	}

	exec(id: string, options: ExecOptions): Promise<ExecSession> {
		return openExec(this.#engine, id, options)
	}

	events(labels: Record<string, string>, signal: AbortSignal, onSubscribed?: () => void): AsyncIterable<RuntimeEvent> {
		return events(this.#engine, labels, signal, onSubscribed)
	}
}
