import type { EngineStatus, Labels, NodeStatus } from './protocol/index.ts'
import { LatticeError } from './protocol/index.ts'
import type { ContainerRuntime, EngineInfo } from './runtime/runtime.ts'
import type { Assignments } from './store/assignments.ts'
import type { Changes } from './store/changes.ts'

export interface NodeStatusModules {
	runtime: ContainerRuntime
	assignments: Assignments
	changes: Changes
	/** where others reach this node, and whether it relays for those that nobody can dial */
	reach: () => Pick<NodeStatus, 'addresses' | 'relay'>
}

export interface NodeStatusOptions {
	peerId: string
	name: string
	incarnation: number
	labels: Labels
	gateway: boolean
	restUrl: string | null
	version: string
}

const REFRESH_MS = 10_000
/** Nothing is placed on a node whose engine is away, so its return is noticed soon. */
const ENGINE_RETRY_MS = 1_000
/** Failures older than this no longer count against the node. */
const FAILURE_WINDOW_MS = 10 * 60_000
const NO_RESOURCES = { cpus: 0, memoryBytes: 0, diskBytes: 0 }

/** What this node says about itself: the engine's word, refreshed, and its own reservations, always current. */
export class NodeStatusSource {
	readonly #options: NodeStatusOptions
	readonly #modules: NodeStatusModules
	#info: EngineInfo | null = null
	#engine: EngineStatus = { ready: false, reason: 'the engine was not asked yet', version: null }
	#sequence = 0
	#failures: number[] = []
	#told = ''
	#timer: NodeJS.Timeout | null = null
	#off: (() => void) | null = null

	constructor(options: NodeStatusOptions, modules: NodeStatusModules) {
		this.#options = options
		this.#modules = modules
	}

	async start(): Promise<void> {
		this.#off = this.#modules.changes.on((change) => {
			if (change.kind === 'engine') void this.refresh()
			if (change.kind === 'event' && change.event.phase === 'failed') this.#failures.push(Date.now())
		})
		await this.refresh()
		this.#refreshLater()
	}

	stop(): void {
		if (this.#timer) clearTimeout(this.#timer)
		this.#off?.()
		this.#off = null
	}

	#refreshLater(): void {
		const wait = this.#engine.ready ? REFRESH_MS : ENGINE_RETRY_MS
		this.#timer = setTimeout(() => void this.refresh().then(() => this.#off && this.#refreshLater()), wait)
	}

	/** Asks the engine; what it cannot say becomes the reason that people read. Those who follow hear of what changed. */
	async refresh(): Promise<void> {
		try {
			this.#info = await this.#modules.runtime.info()
			this.#engine = { ready: true, reason: null, version: this.#info.version }
		} catch (thrown) {
			this.#engine = { ready: false, reason: LatticeError.from(thrown).message, version: this.#engine.version }
		}
		this.#sequence++
		const telling = JSON.stringify({ engine: this.#engine, ...(this.#info && worthTelling(this.#info)) })
		if (telling === this.#told) return
		this.#told = telling
		this.#modules.changes.emit({ kind: 'node' })
	}

	/** ENGINE_UNAVAILABLE with the remedy while the engine does not answer. */
	requireEngine(): void {
		if (!this.#engine.ready) {
			throw new LatticeError('ENGINE_UNAVAILABLE', this.#engine.reason ?? 'The container engine does not answer.')
		}
	}

	/** of the engine's disk; null before it first answered */
	disk(): { used: number; total: number } | null {
		const info = this.#info
		return info && { used: info.diskTotalBytes - info.diskFreeBytes, total: info.diskTotalBytes }
	}

	status(): NodeStatus {
		const { peerId, name, incarnation, labels, gateway, restUrl, version } = this.#options
		const { assignments } = this.#modules
		const info = this.#info
		const reserved = assignments.reserved()
		const horizon = Date.now() - FAILURE_WINDOW_MS
		this.#failures = this.#failures.filter((at) => at > horizon)
		return {
			peerId,
			name,
			incarnation,
			sequence: this.#sequence,
			labels,
			capacity: info
				? { cpus: info.cpus, memoryBytes: info.memoryBytes, diskBytes: info.diskTotalBytes }
				: NO_RESOURCES,
			allocated: {
				cpus: reserved.cpus,
				memoryBytes: reserved.memoryBytes,
				diskBytes: info ? info.diskTotalBytes - info.diskFreeBytes : 0,
			},
			arch: info?.arch ?? process.arch,
			os: info?.os ?? process.platform,
			engine: this.#engine,
			gateway,
			restUrl,
			images: info?.images.slice(0, 500) ?? [],
			recentFailures: this.#failures.length,
			workloads: assignments
				.all()
				.filter((assignment) => assignment.desired !== 'deleted')
				.map((assignment) => ({
					id: assignment.workloadId,
					owner: assignment.owner,
					replicas: assignments.replicas(assignment.workloadId).length,
				})),
			version,
			...this.#modules.reach(),
		}
	}
}

/** Free space changes with every write: only each percent of the disk is news. */
function worthTelling({ diskFreeBytes, diskTotalBytes, ...rest }: EngineInfo) {
	return { ...rest, diskTotalBytes, diskFreePercent: Math.floor((100 * diskFreeBytes) / Math.max(1, diskTotalBytes)) }
}
