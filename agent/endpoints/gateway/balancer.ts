import { setTimeout as delay } from 'node:timers/promises'
import { LatticeError } from '../../protocol/index.ts'
import type { Dialer, Dialled } from '../dialer.ts'
import { GATEWAY_LIMITS } from './limits.ts'
import type { Backend, Route } from './table.ts'

/** A replica that could not be dialled is tried again after this, and then more and more rarely. */
const FIRST_EJECTION_MS = 500
const LONGEST_EJECTION_MS = 15_000
/** How often someone who waits looks whether a replica has come. */
const LOOK_MS = 50

interface Standing {
	/** connections and requests that it serves for this gateway now */
	active: number
	failures: number
	ejectedUntil: number
	lastUsed: number
}

export interface Chosen extends Dialled {
	backend: Backend
	/** to be called once, when the connection or request is over */
	release: () => void
}

export interface BalancerModules {
	dialer: Dialer
	/** the route as it is now: while someone waits, replicas come and go */
	route: (key: string) => Route | null
	/** a gateway that has just started has not heard of all hosts yet */
	isSettled: () => boolean
}

/**
 * Chooses the replica with the fewest connections, the longest unused of equal ones, and goes to the next when it cannot
 * be dialled. One that failed is left alone for a while; hosts' reports say the rest.
 */
export class Balancer {
	readonly #modules: BalancerModules
	/** route → replica */
	readonly #standings = new Map<string, Map<string, Standing>>()
	#turn = 0

	constructor(modules: BalancerModules) {
		this.#modules = modules
	}

	/** Waits for a replica that is on its way. HOST_UNREACHABLE, WRONG_STATE or the failure of the last that was tried. */
	async dial(key: string, signal: AbortSignal): Promise<Chosen> {
		const deadline = Date.now() + GATEWAY_LIMITS.patienceMs
		let failure: LatticeError | null = null
		while (true) {
			const tried = new Set<Backend>()
			for (let next = this.choose(key, tried); next !== null; next = this.choose(key, tried)) {
				tried.add(next)
				try {
					return await this.dialBackend(key, next, signal)
				} catch (thrown) {
					if (signal.aborted) throw thrown
					failure = LatticeError.from(thrown)
				}
			}
			const route = this.#modules.route(key)
			const worthwhile = route?.wanted === true || (route === null && !this.#modules.isSettled())
			if (!worthwhile || Date.now() > deadline) throw failure ?? unanswered(route)
			if (route && !route.coming && route.backends.length === 0 && this.#modules.isSettled()) throw unanswered(route)
			await delay(LOOK_MS, null, { signal })
		}
	}

	/** The replica for the next connection, passing over `tried`; null when there is none. */
	choose(key: string, tried?: ReadonlySet<Backend>): Backend | null {
		const now = Date.now()
		let best: Backend | null = null
		for (const each of this.#modules.route(key)?.backends ?? []) {
			if (this.#standing(key, each).ejectedUntil > now) continue
			if (tried !== undefined && [...tried].some((one) => isSame(one, each))) continue
			if (best === null || this.#isBetter(key, each, best)) best = each
		}
		return best
	}

	async dialBackend(key: string, backend: Backend, signal: AbortSignal): Promise<Chosen> {
		const { workloadId, port } = this.#modules.route(key) ?? {}
		if (workloadId === undefined || port === undefined) throw unanswered(null)
		const release = this.use(key, backend)
		const target = { peerId: backend.peerId, workloadId, replica: backend.replica, container: port.container }
		const limit = AbortSignal.any([signal, AbortSignal.timeout(GATEWAY_LIMITS.dialMs)])
		try {
			const dialled = await this.#modules.dialer.dial(target, { kind: 'gateway' }, limit)
			this.#standing(key, backend).failures = 0
			return { ...dialled, backend, release }
		} catch (thrown) {
			release()
			if (signal.aborted) throw thrown
			this.eject(key, backend)
			if (!limit.aborted) throw thrown
			throw new LatticeError('TIMEOUT', 'The host of a replica did not answer in time.', { node: backend.peerId })
		}
	}

	/** A request that goes over a kept connection counts as well. */
	use(key: string, backend: Backend): () => void {
		const standing = this.#standing(key, backend)
		standing.active += 1
		standing.lastUsed = ++this.#turn
		let released = false
		return () => {
			if (!released) standing.active -= 1
			released = true
		}
	}

	eject(key: string, backend: Backend): void {
		const standing = this.#standing(key, backend)
		const wait = Math.min(FIRST_EJECTION_MS * 2 ** standing.failures, LONGEST_EJECTION_MS)
		standing.failures += 1
		standing.ejectedUntil = Date.now() + wait
	}

	/** Forgets what is known of routes that are no more. */
	retain(keys: ReadonlySet<string>): void {
		for (const key of this.#standings.keys()) if (!keys.has(key)) this.#standings.delete(key)
	}

	#isBetter(key: string, a: Backend, b: Backend): boolean {
		if (a.doubtful !== b.doubtful) return b.doubtful
		const one = this.#standing(key, a)
		const other = this.#standing(key, b)
		return one.active === other.active ? one.lastUsed < other.lastUsed : one.active < other.active
	}

	#standing(key: string, { peerId, replica }: Backend): Standing {
		const id = `${peerId}/${replica}`
		const known = this.#standings.get(key)?.get(id)
		if (known) return known
		const standings = this.#standings.get(key) ?? new Map<string, Standing>()
		const fresh = { active: 0, failures: 0, ejectedUntil: 0, lastUsed: 0 }
		this.#standings.set(key, standings.set(id, fresh))
		return fresh
	}
}

function isSame(a: Backend, b: Backend): boolean {
	return a.peerId === b.peerId && a.replica === b.replica
}

function unanswered(route: Route | null): LatticeError {
	if (route === null) return new LatticeError('NOT_FOUND', 'This gateway knows no such workload.')
	if (!route.wanted) return new LatticeError('WRONG_STATE', `${route.name} is stopped; start it to reach it.`)
	return new LatticeError('HOST_UNREACHABLE', `No replica of ${route.name} is healthy now; its page says why.`)
}
