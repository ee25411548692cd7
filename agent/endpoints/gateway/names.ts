import { isIPv4, isIPv6 } from 'node:net'
import type { Route } from './table.ts'

/** As much of a workload id as tells two workloads of one name apart; a whole one would make the label too long. */
const ID_CHARACTERS = 10

/** The label of a workload's default host name: `<name>-<id>`, and `<name>-<id>-<port>` from its second HTTP port on. */
export function labelOf(route: Pick<Route, 'name' | 'workloadId' | 'httpIndex' | 'port'>): string {
	const id = route.workloadId.slice(-ID_CHARACTERS)
	return route.httpIndex === 0 || isDatabase(route)
		? `${route.name}-${id}`
		: `${route.name}-${id}-${route.port.container}`
}

export function isDatabase({ port }: Pick<Route, 'port'>): boolean {
	return port.purpose === 'postgres'
}

/** A domain whose every sub-domain resolves to this address, with nothing to set up: https://sslip.io */
export function sslipDomain(address: string): string {
	return `${isIPv6(address) ? address.replaceAll(':', '-') : address}.sslip.io`
}

/** `Host` as the table has it: lower case, no port, no dot at its end; null for what is no host name. */
export function hostOf(header: string | undefined): string | null {
	const match = /^([a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?)\.?(?::\d{1,5})?$/i.exec(header ?? '')
	const host = match?.[1]?.toLowerCase() ?? null
	return host === null || isIPv4(host) || host.includes('..') ? null : host
}

/** Which route answers to which host name. Names below any of the base domains are the same. */
export class HostTable {
	readonly #byDomain = new Map<string, Route>()
	readonly #byLabel = new Map<string, Route>()
	/** databases, by the name in the TLS hello of their clients */
	readonly #databases = new Map<string, Route>()
	readonly #bases: readonly string[]

	constructor(routes: readonly Route[], bases: readonly string[]) {
		this.#bases = bases
		// The older first: nobody takes over a name that is in use.
		for (const route of [...routes].sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))) {
			if (isDatabase(route)) this.#databases.set(labelOf(route), route)
			if (route.httpIndex === null) continue
			const label = labelOf(route)
			if (!this.#byLabel.has(label)) this.#byLabel.set(label, route)
			for (const domain of route.domains) if (!this.#byDomain.has(domain)) this.#byDomain.set(domain, route)
		}
	}

	find(host: string): Route | null {
		// What a gateway gives out first: nobody takes over another's default name by calling it a domain of theirs.
		return this.#below(host, this.#byLabel) ?? this.#byDomain.get(host) ?? null
	}

	findDatabase(host: string): Route | null {
		return this.#below(host, this.#databases)
	}

	#below(host: string, labels: ReadonlyMap<string, Route>): Route | null {
		const base = this.#bases.find((each) => host.endsWith(`.${each}`))
		return base === undefined ? null : (labels.get(host.slice(0, -base.length - 1)) ?? null)
	}
}
