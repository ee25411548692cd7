import type { Endpoint } from '../../protocol/index.ts'
import type { Assignments } from '../../store/assignments.ts'
import type { Changes } from '../../store/changes.ts'
import type { ReplicaReach, Workloads } from '../../store/workloads.ts'
import type { EdgeSession, EdgeTunnel, NgrokEdge } from './edge.ts'
import { inTime } from './in-time.ts'
import { planTunnels, type Tunnel, tunnelKey, wantedTunnels } from './plan.ts'
import { reasonOf } from './reason.ts'
import { Retries, type RetryOptions } from './retries.ts'

/** ngrok may be out of reach just then, and a stop does not wait for it. */
const CLOSE_MS = 1_000
/** After a pass that failed as a whole. */
const AGAIN_MS = 5_000
/** Every change in a burst is seen once. */
const SETTLE_MS = 50
const SESSION = 'session'
const NO_TOKEN =
	'ngrok: there is no auth token. The owner or an admin gives it with `lattice settings ngrok --token-stdin`, or on the settings page.'

export interface NgrokTunnelsModules {
	edge: NgrokEdge
	token: () => string | null
	assignments: Pick<Assignments, 'all' | 'get' | 'replicas' | 'touch'>
	workloads: Pick<Workloads, 'open'>
	changes: Pick<Changes, 'on' | 'emit'>
	log: { info(facts: object, message: string): void; warn(facts: object, message: string): void }
}

interface OpenTunnel {
	tunnel: Tunnel
	edge: EdgeTunnel
	/** as last reported */
	url: string
}

/** Keeps one ngrok session while a workload here is exposed by it, with a tunnel for each of its ports. */
export class NgrokTunnels {
	readonly #modules: NgrokTunnelsModules
	readonly #retries: Retries
	/** by workload: what it wants */
	readonly #wanted = new Map<string, Tunnel[]>()
	/** by tunnel */
	readonly #open = new Map<string, OpenTunnel>()
	/** by tunnel: why it is not open */
	readonly #problems = new Map<string, string>()
	#session: { token: string; edge: EdgeSession } | null = null
	/** why nothing passes at the moment, though the tunnels stay */
	#lost: string | null = null
	#off: (() => void) | null = null
	#timer: NodeJS.Timeout | null = null
	#pass: Promise<void> = Promise.resolve()
	#stopped = false

	constructor(modules: NgrokTunnelsModules, retry?: RetryOptions) {
		this.#modules = modules
		this.#retries = new Retries((afterMs) => this.#soon(afterMs), retry)
	}

	start(): void {
		const { assignments, changes } = this.#modules
		for (const { workloadId } of assignments.all()) this.#learn(workloadId)
		this.#off = changes.on((change) => {
			if (change.kind !== 'workload' && change.kind !== 'removed') return
			if (this.#learn(change.workloadId)) this.#soon(SETTLE_MS)
		})
		if (this.#wanted.size > 0) this.#soon(0)
	}

	/** The token was set, changed or taken away. */
	tokenChanged(): void {
		this.#retries.clear()
		this.#soon(0)
	}

	async stop(): Promise<void> {
		this.#stopped = true
		this.#off?.()
		if (this.#timer) clearTimeout(this.#timer)
		const ended = this.#pass.then(() => this.#hangUp())
		await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())])
	}

	/** For the report of a replica. */
	of(workloadId: string, replica: number): ReplicaReach {
		const mine = (this.#wanted.get(workloadId) ?? []).filter((tunnel) => tunnel.replica === replica)
		const opened = mine.flatMap((tunnel) => this.#open.get(tunnelKey(tunnel)) ?? [])
		const [problem] = mine.flatMap((tunnel) => this.#problems.get(tunnelKey(tunnel)) ?? [])
		return { endpoints: opened.map((each) => this.#endpoint(each)), reason: problem ?? null }
	}

	#endpoint({ tunnel, url }: OpenTunnel): Endpoint {
		const { protocol, container, replica } = tunnel
		const away = this.#lost === null ? {} : { reachable: false, reason: this.#lost }
		return { kind: 'ngrok', protocol, url, container, replica, ...away }
	}

	/** Whether what is wanted has changed. */
	#learn(workloadId: string): boolean {
		const { assignments, workloads } = this.#modules
		const before = (this.#wanted.get(workloadId) ?? []).map(tunnelKey).join()
		const assignment = assignments.get(workloadId)
		const wanted: Tunnel[] = []
		if (assignment && assignment.desired === 'running') {
			const { template, config } = workloads.open(assignment)
			wanted.push(...wantedTunnels(assignment, assignments.replicas(workloadId), template.expose(config)))
		}
		if (wanted.length > 0) this.#wanted.set(workloadId, wanted)
		else this.#wanted.delete(workloadId)
		return before !== wanted.map(tunnelKey).join()
	}

	#soon(afterMs: number): void {
		if (this.#stopped) return
		if (this.#timer) clearTimeout(this.#timer)
		this.#timer = setTimeout(() => {
			this.#pass = this.#pass.then(() => this.#reconcile()).catch((error: unknown) => this.#stumbled(error))
		}, afterMs).unref()
	}

	/** A pass that failed must not keep the next from being made. */
	#stumbled(error: unknown): void {
		this.#modules.log.warn(
			{ err: error },
			'the ngrok tunnels could not be brought to what is wanted; it is tried again',
		)
		this.#soon(AGAIN_MS)
	}

	async #reconcile(): Promise<void> {
		if (this.#stopped) return
		const token = this.#modules.token()
		const wanted = [...this.#wanted.values()].flat()
		if (this.#session && (this.#session.token !== token || wanted.length === 0)) await this.#hangUp()
		const plan = planTunnels(wanted, new Set(this.#open.keys()), token)
		for (const key of plan.close) await this.#close(key)
		this.#forgetProblems(new Set(wanted.map(tunnelKey)))
		if (token === null) {
			for (const tunnel of wanted) this.#problem(tunnel, NO_TOKEN)
			return
		}
		if (plan.open.length === 0) return
		const session = await this.#connected(token, plan.open)
		if (!session) return
		for (const tunnel of plan.open) await this.#openOne(session, tunnel, token)
	}

	async #connected(token: string, waiting: readonly Tunnel[]): Promise<EdgeSession | null> {
		if (this.#session) return this.#session.edge
		if (!this.#retries.isDue(SESSION)) return null
		try {
			const connecting = this.#modules.edge.connect(token, {
				onLost: (reason) => this.#setLost(reasonOf(reason, token)),
				onAnswer: () => this.#answered(),
			})
			const edge = await inTime(connecting)
			this.#session = { token, edge }
			this.#retries.done(SESSION)
			return edge
		} catch (thrown) {
			const reason = reasonOf(thrown, token)
			this.#modules.log.warn({ reason }, 'ngrok let this node open no session; it is tried again')
			for (const tunnel of waiting) this.#problem(tunnel, reason)
			this.#retries.failed(SESSION)
			return null
		}
	}

	async #openOne(session: EdgeSession, tunnel: Tunnel, token: string): Promise<void> {
		const { workloadId, container } = tunnel
		const key = tunnelKey(tunnel)
		if (this.#stopped || !this.#retries.isDue(key)) return
		try {
			const edge = await inTime(session.open(tunnel))
			this.#open.set(key, { tunnel, edge, url: edge.url() })
			this.#problems.delete(key)
			this.#retries.done(key)
			this.#modules.log.info({ workload: workloadId, container, url: edge.url() }, 'ngrok tunnel open')
			this.#tell(workloadId)
		} catch (thrown) {
			const reason = reasonOf(thrown, token)
			this.#modules.log.warn({ workload: workloadId, container, reason }, 'ngrok opened no tunnel; it is tried again')
			this.#problem(tunnel, reason)
			this.#retries.failed(key)
		}
	}

	async #close(key: string): Promise<void> {
		const opened = this.#open.get(key)
		if (!opened) return
		this.#open.delete(key)
		this.#tell(opened.tunnel.workloadId)
		await this.#quietly(opened.edge.close(), 'an ngrok tunnel was not closed by ngrok')
	}

	async #hangUp(): Promise<void> {
		const session = this.#session
		this.#session = null
		this.#lost = null
		for (const key of [...this.#open.keys()]) await this.#close(key)
		if (session) await this.#quietly(session.edge.close(), 'the ngrok session was not closed by ngrok')
	}

	/** What is closed here is closed: ngrok ends it when it hears of it, or when the connection goes. */
	async #quietly(closing: Promise<void>, message: string): Promise<void> {
		const late = Promise.withResolvers<void>()
		const timer = setTimeout(() => late.reject(new Error('no answer')), CLOSE_MS).unref()
		try {
			await Promise.race([closing, late.promise])
		} catch (error) {
			this.#modules.log.warn({ reason: reasonOf(error, this.#modules.token() ?? '') }, message)
		} finally {
			clearTimeout(timer)
		}
	}

	#setLost(reason: string | null): void {
		if (this.#lost === reason || this.#session === null) return
		if (reason !== null) this.#modules.log.warn({ reason }, 'the ngrok session broke; it is made again')
		this.#lost = reason
		for (const { tunnel } of this.#open.values()) this.#tell(tunnel.workloadId)
	}

	/** After a reconnection ngrok may have given other URLs. */
	#answered(): void {
		for (const opened of this.#open.values()) {
			const url = opened.edge.url()
			if (url === opened.url) continue
			opened.url = url
			this.#tell(opened.tunnel.workloadId)
		}
		this.#setLost(null)
	}

	#problem(tunnel: Tunnel, reason: string): void {
		const key = tunnelKey(tunnel)
		if (this.#problems.get(key) === reason) return
		this.#problems.set(key, reason)
		this.#tell(tunnel.workloadId)
	}

	#forgetProblems(wanted: ReadonlySet<string>): void {
		for (const key of this.#problems.keys()) if (!wanted.has(key)) this.#problems.delete(key)
		this.#retries.keepOnly(new Set([...wanted, SESSION]))
	}

	/** A newer report: what is asked for it here is different now. */
	#tell(workloadId: string): void {
		const { assignments, changes } = this.#modules
		if (this.#stopped || assignments.get(workloadId) === null) return
		assignments.touch(workloadId)
		changes.emit({ kind: 'workload', workloadId })
	}
}
