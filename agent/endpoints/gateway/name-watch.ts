import { Resolver } from 'node:dns/promises'
import type { SelfCheck } from './self-check.ts'

/** Names and records change without telling anybody. */
const CHECK_GOOD_MS = 5 * 60_000
const CHECK_BAD_MS = 30_000
const LOOK_UP_MS = 2_000
/** A name may lead to several gateways. */
const MOST_ADDRESSES = 4

export type LookUp = (name: string) => Promise<string[]>

export interface NameState {
	/** where it was found to lead here; null while it does not */
	url: string | null
	/** why not, and what helps */
	reason: string | null
}

interface Watched extends NameState {
	checkedAt: number
}

export interface NameWatchModules {
	check: Pick<SelfCheck, 'leadsHere'>
	lookUp?: LookUp
	/** a name leads here now, or does no longer */
	onChange: () => void
}

/** Which names lead to this gateway: looked up and dialled, since a name that does not answer is worse than a number. */
export class NameWatch {
	readonly #modules: NameWatchModules
	readonly #lookUp: LookUp
	readonly #watched = new Map<string, Watched>()
	#ports: { http: number; https: number | null } = { http: 80, https: null }
	#timer: NodeJS.Timeout | null = null
	#checking = false

	constructor(modules: NameWatchModules) {
		this.#modules = modules
		this.#lookUp = modules.lookUp ?? lookUp
	}

	start(ports: { http: number; https: number | null }): void {
		this.#ports = ports
		this.#timer = setInterval(() => void this.#pass(), 5_000)
		void this.#pass()
	}

	stop(): void {
		if (this.#timer) clearInterval(this.#timer)
		this.#timer = null
	}

	/** From now on exactly these. */
	watch(names: ReadonlySet<string>): void {
		for (const name of this.#watched.keys()) if (!names.has(name)) this.#watched.delete(name)
		for (const name of names) {
			if (!this.#watched.has(name))
				this.#watched.set(name, { url: null, reason: 'It is being looked up.', checkedAt: 0 })
		}
		if (this.#timer) void this.#pass()
	}

	/** What is served under it has changed. */
	recheck(name: string): void {
		const watched = this.#watched.get(name)
		if (watched) this.#watched.set(name, { ...watched, checkedAt: 0 })
		if (this.#timer) void this.#pass()
	}

	stateOf(name: string): NameState | null {
		return this.#watched.get(name) ?? null
	}

	/** One after the other: nothing waits for them. */
	async #pass(): Promise<void> {
		if (this.#checking) return
		this.#checking = true
		try {
			for (const [name, watched] of [...this.#watched]) {
				const age = Date.now() - watched.checkedAt
				if (age < (watched.url === null ? CHECK_BAD_MS : CHECK_GOOD_MS)) continue
				const state = await this.#find(name)
				if (this.#watched.get(name) !== watched) continue
				this.#watched.set(name, { ...state, checkedAt: Date.now() })
				if (watched.url !== state.url || watched.reason !== state.reason) this.#modules.onChange()
			}
		} finally {
			this.#checking = false
		}
	}

	async #find(name: string): Promise<NameState> {
		const addresses = await this.#lookUp(name)
		if (addresses.length === 0) {
			return { url: null, reason: `${name} does not resolve here; point it at this gateway in the DNS.` }
		}
		for (const address of addresses.slice(0, MOST_ADDRESSES)) {
			for (const url of this.#candidates(name)) {
				if (await this.#modules.check.leadsHere(url, address)) return { url: url.origin, reason: null }
			}
		}
		return {
			url: null,
			reason: `${name} resolves to ${addresses.join(', ')}, which is not this gateway; point it here, or forward a port.`,
		}
	}

	/** What people would rather have comes first: a proxy or a port forward in front may serve the usual ports. */
	#candidates(name: string): URL[] {
		const { http, https } = this.#ports
		const urls = [`https://${name}`, `http://${name}`, `http://${name}:${http}`]
		if (https !== null) urls.unshift(`https://${name}:${https}`)
		return [...new Set(urls)].map((url) => new URL(url))
	}
}

/** By the DNS itself: getaddrinfo would hold a thread of the pool for as long as a dead resolver takes. */
async function lookUp(name: string): Promise<string[]> {
	const resolver = new Resolver({ timeout: LOOK_UP_MS, tries: 1 })
	const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
	return [four, six].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
}
