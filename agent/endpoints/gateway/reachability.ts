import { type EndpointPath, LatticeError } from '../../protocol/index.ts'
import type { Balancer } from './balancer.ts'
import { type Route, routeKey } from './table.ts'

/** A route that did not answer is tried again after this. */
const AGAIN_MS = 5_000
/** Probes under way; a gateway that starts has all routes to try. */
const AT_ONCE = 4

interface Found {
	/** replicas that it holds for */
	backends: string
	reachable: boolean
	reason: string | null
	path: EndpointPath | null
	at: number
}

export interface ReachabilityModules {
	balancer: Pick<Balancer, 'dialBackend'>
	onChange: () => void
}

/** Whether a replica of each route was dialled from here, and how the last connection went. */
export class Reachability {
	readonly #modules: ReachabilityModules
	readonly #found = new Map<string, Found>()
	/** to be dialled, as they were last; one that is being dialled is not among them */
	readonly #waiting = new Map<string, Route>()
	readonly #dialling = new Set<string>()
	readonly #stopped = new AbortController()
	#timer: NodeJS.Timeout | null = null
	#routes: readonly Route[] = []

	constructor(modules: ReachabilityModules) {
		this.#modules = modules
	}

	/** Dials what is new or failed before. */
	follow(routes: readonly Route[]): void {
		this.#routes = routes
		const keys = new Set(routes.map(keyOf))
		for (const key of this.#found.keys()) if (!keys.has(key)) this.#found.delete(key)
		for (const key of this.#waiting.keys()) if (!keys.has(key)) this.#waiting.delete(key)
		for (const route of routes) if (this.#isDue(route)) this.#waiting.set(keyOf(route), route)
		for (let free = AT_ONCE - this.#dialling.size; free > 0; free--) void this.#work()
		this.#timer ??= setInterval(() => this.follow(this.#routes), AGAIN_MS).unref()
	}

	stop(): void {
		this.#stopped.abort()
		if (this.#timer) clearInterval(this.#timer)
	}

	/** A connection of a client went this way. */
	onPath(key: string, path: EndpointPath): void {
		const found = this.#found.get(key)
		const before = found?.path
		if (!found || (found.reachable && before?.kind === path.kind && before.through === path.through)) return
		this.#found.set(key, { ...found, reachable: true, reason: null, path })
		this.#modules.onChange()
	}

	/** Null before the first dial has ended. */
	of(key: string): Pick<Found, 'reachable' | 'reason' | 'path'> | null {
		return this.#found.get(key) ?? null
	}

	#isDue(route: Route): boolean {
		if (route.backends.length === 0 || this.#dialling.has(keyOf(route))) return false
		const found = this.#found.get(keyOf(route))
		if (!found || found.backends !== backendsOf(route)) return true
		return !found.reachable && Date.now() - found.at >= AGAIN_MS
	}

	async #work(): Promise<void> {
		for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
			const [key, route] = next
			this.#waiting.delete(key)
			this.#dialling.add(key)
			try {
				await this.#probe(route)
			} finally {
				this.#dialling.delete(key)
			}
		}
	}

	async #probe(route: Route): Promise<void> {
		const key = keyOf(route)
		let failure: LatticeError | null = null
		for (const backend of route.backends) {
			try {
				const { stream, path, release } = await this.#modules.balancer.dialBackend(key, backend, this.#stopped.signal)
				release()
				stream.on('error', () => undefined) // it is ended here
				stream.destroy()
				this.#set(route, { reachable: true, reason: null, path })
				return
			} catch (thrown) {
				if (this.#stopped.signal.aborted) return
				failure = LatticeError.from(thrown)
			}
		}
		this.#set(route, { reachable: false, reason: failure?.message ?? null, path: null })
	}

	#set(route: Route, found: Pick<Found, 'reachable' | 'reason' | 'path'>): void {
		const key = keyOf(route)
		const before = this.#found.get(key)
		this.#found.set(key, { ...found, backends: backendsOf(route), at: Date.now() })
		const isSame = before?.reachable === found.reachable && before.path?.kind === found.path?.kind
		if (!isSame) this.#modules.onChange()
	}
}

function keyOf(route: Route): string {
	return routeKey(route.workloadId, route.port.container)
}

function backendsOf(route: Route): string {
	return route.backends.map(({ peerId, replica }) => `${peerId}/${replica}`).join(' ')
}
