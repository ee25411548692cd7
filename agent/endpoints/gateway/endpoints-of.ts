import type { Endpoint } from '../../protocol/index.ts'
import { nameOf } from './acme/names.ts'
import type { Encryption } from './encryption.ts'
import type { NameState } from './name-watch.ts'
import { isDatabase } from './names.ts'
import type { Reachability } from './reachability.ts'
import type { Route } from './table.ts'

/** What a gateway knows of the ways to a route. */
export interface RouteWays {
	via: { peerId: string; name: string }
	isLocal: boolean
	reach: ReturnType<Reachability['of']>
	/** host:port of its own; null while it does not listen */
	address: string | null
	domain: string
	/** null: nothing is encrypted */
	httpsPort: number | null
	/** where a name below the domain leads here; null: it does not */
	urlOf: (name: string) => string | null
	/** of a domain that an owner chose */
	stateOf: (name: string) => NameState | null
	tls: Pick<Encryption, 'serves' | 'warningOf'> | null
}

/** As people are to see them: domains of their own, names, the port's address. */
export function endpointsOf(route: Route, ways: RouteWays): Endpoint[] {
	const { container, protocol } = route.port
	const { via, isLocal, address, domain, httpsPort, urlOf, tls } = ways
	const { reachable = undefined, reason = null, path = null } = ways.reach ?? {}
	const common = {
		kind: 'gateway',
		protocol,
		container,
		replica: null,
		via,
		...(reachable === false && { reachable, ...(reason && { reason }) }),
		...(path && { path }),
		...(isLocal && { local: true }),
	} as const
	const at = (name: string, url: string): Endpoint => {
		const warning = tls?.warningOf(name, url)
		return { ...common, url, ...(warning && { warning }) }
	}
	const custom = route.domains.map((each): Endpoint => {
		const { url = null, reason = 'It is being looked up.' } = ways.stateOf(each) ?? {}
		if (url !== null) return { ...at(each, url), custom: true }
		return { ...common, custom: true, url: `http://${each}`, reachable: false, ...(reason && { reason }) }
	})
	const name = nameOf(route, domain)
	const url = urlOf(name)
	const named = url !== null && route.httpIndex !== null ? [at(name, url)] : []
	const isEncrypted = isDatabase(route) && url !== null && tls?.serves(name)
	const database: Endpoint[] = isEncrypted
		? [{ ...common, protocol: 'postgres-tls', url: `tcp://${name}:${httpsPort}` }]
		: []
	const plain = address && `${protocol}://${address}`
	const addressed = plain ? [isDatabase(route) && !isEncrypted ? at(name, plain) : { ...common, url: plain }] : []
	return [...custom, ...database, ...named, ...addressed]
}
