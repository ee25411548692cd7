import type { EngineStatus, Labels, NodeStatus } from './protocol/index.ts'
import { LatticeError } from './protocol/index.ts'
import type { ContainerRuntime, EngineInfo } from './runtime/runtime.ts'
import type { Assignments } from './store/assignments.ts'
import type { Changes } from './store/changes.ts'

export interface NodeStatusModules {
	runtime: ContainerRuntime
	assignments: Assignments
	changes: Changes
	addresses: () => string[]
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
	#timer: NodeJS.Timeout | null = null
	#off: (() => void) | null = null

	constructor(options: NodeStatusOptions, modules: NodeStatusModules) {
		this.#options = options
		this.#modules = modules
	}

	async start(): Promise<void> {
		this.#off = this.#modules.changes.on((change) => {
			if (change.kind === 'node') void this.refresh()
			if (change.kind === 'event' && change.event.phase === 'failed') this.#failures.push(Date.now())
		})
		this.#timer = setInterval(() => void this.refresh(), REFRESH_MS)
		await this.refresh()
	}

	stop(): void {
		if (this.#timer) clearInterval(this.#timer)
		this.#off?.()
	}

	/** Asks the engine; what it cannot say becomes the reason that people read. */
	async refresh(): Promise<void> {
		try {
			this.#info = await this.#modules.runtime.info()
			this.#engine = { ready: true, reason: null, version: this.#info.version }
		} catch (thrown) {
			this.#engine = { ready: false, reason: LatticeError.from(thrown).message, version: this.#engine.version }
		}
		this.#sequence++
	}

	/** ENGINE_UNAVAILABLE with the remedy while the engine does not answer. */
	requireEngine(): void {
		if (!this.#engine.ready) {
			throw new LatticeError('ENGINE_UNAVAILABLE', this.#engine.reason ?? 'The container engine does not answer.')
		}
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
			addresses: this.#modules.addresses(),
		}
	}
}
