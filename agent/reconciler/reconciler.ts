import { LatticeError } from '../protocol/index.ts'
import type { ContainerRuntime, ObservedContainer } from '../runtime/runtime.ts'
import type { Assignments } from '../store/assignments.ts'
import type { Changes } from '../store/changes.ts'
import type { Journal } from '../store/journal.ts'
import type { OpenAssignment, Workloads } from '../store/workloads.ts'
import type { NodeIdentity } from './container-plan.ts'
import { ENGINE_RETRY_MS, EngineWatch } from './engine-watch.ts'
import type { Executor } from './execute.ts'
import { backoffMs, type Operation, plan, type Readiness } from './plan.ts'
import { readinessOf } from './readiness.ts'
import { outcomeOf } from './settle.ts'

export interface ReconcilerOptions {
	/** a first start that takes longer has failed */
	readyDeadlineMs?: number
	resyncMs?: number
	now?: () => number
}

export interface ReconcilerModules {
	identity: NodeIdentity
	runtime: ContainerRuntime
	assignments: Assignments
	journal: Journal
	workloads: Workloads
	executor: Executor
	changes: Changes
	log: { warn(facts: object, message: string): void }
}

const EVENT_DEBOUNCE_MS = 100
/** A pass that makes no headway in this many rounds is a bug of the plan, not of the world. */
const MAX_ROUNDS = 12

/**
 * Brings containers to what assignments say: observe, plan, execute, again until the plan is empty. One workload's
 * passes run one after another; different workloads run side by side. State-based, so any pass may be the first after
 * a crash.
 */
export class Reconciler {
	readonly #modules: ReconcilerModules
	readonly #readyDeadlineMs: number
	readonly #resyncMs: number
	readonly #now: () => number
	readonly #running = new Map<string, Promise<void>>()
	/** ends the pull that a pass is at */
	readonly #interrupts = new Map<string, AbortController>()
	readonly #again = new Set<string>()
	readonly #timers = new Map<string, NodeJS.Timeout>()
	readonly #failures = new Map<string, number>()
	/** when the engine last said something of it, by the monotonic clock */
	readonly #heardAt = new Map<string, number>()
	/** accepted just now for the first time: the engine has nothing of it */
	readonly #fresh = new Set<string>()
	readonly #stopped = new AbortController()
	#resync: NodeJS.Timeout | null = null
	readonly #engine: EngineWatch
	#watching: Promise<void> | null = null

	constructor(options: ReconcilerOptions, modules: ReconcilerModules) {
		this.#modules = modules
		this.#readyDeadlineMs = options.readyDeadlineMs ?? 120_000
		this.#resyncMs = options.resyncMs ?? 30_000
		this.#now = options.now ?? Date.now
		const { runtime, identity, assignments, changes, log } = modules
		this.#engine = new EngineWatch({
			runtime,
			peerId: identity.peerId,
			log,
			now: this.#now,
			onEvent: (workloadId) => {
				if (assignments.get(workloadId)) this.#later(workloadId, EVENT_DEBOUNCE_MS)
			},
			onGap: () => {
				this.#all()
				changes.emit({ kind: 'engine' })
			},
		})
	}

	/** Subscribes to the engine first, then looks at everything: no event is lost in between. */
	start(): void {
		this.#watching = this.#engine.run(this.#stopped.signal)
		this.#all()
		this.#resync = setInterval(() => this.#all(), this.#resyncMs)
	}

	async stop(): Promise<void> {
		this.#stopped.abort()
		if (this.#resync) clearInterval(this.#resync)
		for (const timer of this.#timers.values()) clearTimeout(timer)
		await Promise.allSettled([...this.#running.values(), this.#watching])
	}

	/** As `kick`, and a pull under way ends first: a newer order must not wait for gigabytes that nobody wants now. */
	interrupt(workloadId: string): void {
		this.#interrupts.get(workloadId)?.abort()
		this.kick(workloadId)
	}

	/** As `kick`, for a workload that was never here before. */
	begin(workloadId: string): void {
		this.#fresh.add(workloadId)
		this.kick(workloadId)
	}

	/** A pass for this workload now, or once more right after the one under way. */
	kick(workloadId: string): void {
		if (this.#stopped.signal.aborted) return
		clearTimeout(this.#timers.get(workloadId))
		this.#timers.delete(workloadId)
		if (this.#running.has(workloadId)) {
			this.#again.add(workloadId)
			return
		}
		const pass = this.#pass(workloadId).finally(() => {
			this.#running.delete(workloadId)
			if (this.#again.delete(workloadId)) this.kick(workloadId)
		})
		this.#running.set(workloadId, pass)
	}

	#all(): void {
		for (const assignment of this.#modules.assignments.all()) this.kick(assignment.workloadId)
	}

	#later(workloadId: string, ms: number): void {
		if (this.#stopped.signal.aborted || this.#timers.has(workloadId)) return
		const timer = setTimeout(() => {
			this.#timers.delete(workloadId)
			this.kick(workloadId)
		}, ms)
		this.#timers.set(workloadId, timer)
	}

	async #pass(workloadId: string): Promise<void> {
		try {
			for (let round = 0; round < MAX_ROUNDS; round++) {
				if (this.#stopped.signal.aborted) return
				const interrupt = new AbortController()
				this.#interrupts.set(workloadId, interrupt)
				const more = await this.#round(workloadId, round, AbortSignal.any([this.#stopped.signal, interrupt.signal]))
				this.#settle(workloadId)
				if (!more) break
			}
			this.#failures.delete(workloadId)
		} catch (thrown) {
			this.#trouble(workloadId, LatticeError.from(thrown))
		} finally {
			this.#interrupts.delete(workloadId)
		}
	}

	/** True when something was done, so that another look is due. */
	async #round(workloadId: string, round: number, signal: AbortSignal): Promise<boolean> {
		const { assignments, executor, workloads } = this.#modules
		const assignment = assignments.get(workloadId)
		if (!assignment) {
			this.#heardAt.delete(workloadId)
			return false
		}
		const open = workloads.open(assignment)
		const operations = await this.#plan(open, round)
		let did = false
		for (const operation of operations) {
			if (operation.op === 'await') {
				if (operation.ms === 0) did = true
				else this.#later(workloadId, operation.ms)
				continue
			}
			const outdated = assignments.get(workloadId)
			// A command that came in meanwhile changed what is desired: plan anew instead of finishing the old plan.
			if (!outdated || outdated.desired !== assignment.desired || outdated.generation !== assignment.generation)
				return true
			try {
				await executor.run(open, operation, signal)
			} catch (thrown) {
				if (this.#stopped.signal.aborted) return false
				// Interrupted by a newer order: look at what it wants.
				if (signal.aborted) return true
				const error = LatticeError.from(thrown)
				// The engine lost the image since it was last seen there: the next look finds it missing and pulls.
				if (error.code === 'IMAGE_NOT_FOUND' && operation.op === 'create' && round === 0) return true
				if (await this.#failedFor(open, operation, error)) return true
				throw error
			}
			did = true
		}
		return did
	}

	async #plan(open: OpenAssignment, round: number): Promise<Operation[]> {
		const { runtime, assignments, executor } = this.#modules
		const { assignment, template, config, secrets } = open
		const own = template.plan(config, secrets)
		const observed = await this.#observe(assignment.workloadId, round)
		// Only a container that is to be made needs the image.
		const isWhole = assignments.replicas(assignment.workloadId).every((row) => isAmong(observed, row.index))
		const imagePresent = isWhole || (await runtime.hasImage(own.image))
		const readiness = new Map<number, Readiness>()
		for (const container of observed) {
			const index = Number(container.labels['lattice.replica'])
			const row = assignments.replicas(assignment.workloadId).find((each) => each.index === index)
			if (!row) continue
			executor.observe(row, container)
			if (container.state === 'running') readiness.set(index, await readinessOf(container, row, own.probe, this.#now()))
		}
		return plan({
			assignment,
			replicas: assignments.replicas(assignment.workloadId),
			observed,
			image: own.image,
			imagePresent,
			readiness,
			now: this.#now(),
			engineSince: this.#engine.engineSince,
			readyDeadlineMs: this.#readyDeadlineMs,
		})
	}

	/**
	 * The first look of a pass asks for everything that bears the workload's label. Later ones ask for what this pass has
	 * made: nobody else makes containers of it, and each question costs the engine several milliseconds.
	 */
	async #observe(workloadId: string, round: number): Promise<ObservedContainer[]> {
		const { runtime, assignments, identity } = this.#modules
		if (this.#fresh.delete(workloadId)) return []
		const ids = assignments.replicas(workloadId).flatMap(({ containerId }) => containerId ?? [])
		if (round > 0 && ids.length === assignments.replicas(workloadId).length) {
			const containers = await Promise.all(ids.map((id) => runtime.inspect(id)))
			return containers.filter((container) => container !== null)
		}
		return runtime.list({ 'lattice.workload': workloadId, 'lattice.node': identity.peerId })
	}

	/**
	 * True when the error ends a first deployment: its replica is failed and cleaned up. An engine that is away ends
	 * nothing, nor does trouble with a workload that has run before: those are tried again.
	 */
	async #failedFor(open: OpenAssignment, operation: Operation, error: LatticeError): Promise<boolean> {
		if (error.code === 'ENGINE_UNAVAILABLE' || error.code === 'CANCELLED') return false
		const rows = this.#modules.assignments.replicas(open.assignment.workloadId)
		const concerned =
			'replica' in operation && operation.replica !== null
				? rows.filter((row) => row.index === operation.replica)
				: rows
		const fresh = concerned.filter((row) => !row.settledOnce && row.status !== 'failed' && row.phase !== 'leaving')
		if (fresh.length === 0 || open.assignment.desired !== 'running') return false
		for (const row of fresh) await this.#modules.executor.failed(open, row.index, error)
		return true
	}

	/** What stands in the way is shown on the workload, and tried again with back-off. */
	#trouble(workloadId: string, error: LatticeError): void {
		const { assignments, changes, log } = this.#modules
		const failures = (this.#failures.get(workloadId) ?? 0) + 1
		this.#failures.set(workloadId, failures)
		log.warn({ workloadId, code: error.code, cause: error.cause, failures }, error.message)
		const away = error.code === 'ENGINE_UNAVAILABLE'
		for (const row of assignments.replicas(workloadId)) {
			if (row.status === 'failed' || row.status === 'stopped') continue
			assignments.putReplica({
				...row,
				status: away ? 'unknown' : row.settledOnce ? 'unhealthy' : row.status,
				reason: error.message,
				error: error.toJSON(),
			})
		}
		changes.emit({ kind: 'workload', workloadId })
		this.#later(workloadId, away ? ENGINE_RETRY_MS : Math.max(1000, backoffMs(failures)))
	}

	#settle(workloadId: string): void {
		const { journal, assignments, workloads, changes } = this.#modules
		for (const entry of journal.open(workloadId)) {
			const outcome = outcomeOf(entry.kind, assignments.get(workloadId), assignments.replicas(workloadId), workloads)
			if (!outcome) continue
			journal.settle(entry.id, outcome)
			changes.emit({ kind: 'workload', workloadId })
		}
	}
}

function isAmong(observed: readonly ObservedContainer[], replica: number): boolean {
	return observed.some((container) => container.labels['lattice.replica'] === String(replica))
}
