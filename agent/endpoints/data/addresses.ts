import { networkInterfaces } from 'node:os'
import type { SocketAddress } from '../../protocol/index.ts'

const ANYWHERE = '0.0.0.0'

/** The data port listens where the mesh does: the IP addresses of its multiaddrs. */
export function listenHosts(meshListen: readonly string[]): string[] {
	const hosts = meshListen.flatMap((address) => /^\/ip[46]\/([^/]+)\//.exec(address)?.[1] ?? [])
	return hosts.length > 0 ? [...new Set(hosts)] : [ANYWHERE]
}

/** The same hosts at the data port. Loopback only for who is on this machine; through a relay leads no TCP connection. */
export function dataAddresses(
	multiaddrs: readonly string[],
	port: number,
	{ isHere }: { isHere: boolean },
): SocketAddress[] {
	if (port === 0) return []
	const hosts = multiaddrs
		.filter((address) => !address.includes('/p2p-circuit'))
		.flatMap((address) => /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)\//.exec(address)?.[1] ?? [])
	return [...new Set(hosts)].filter((host) => isHere || !isLoopback(host)).map((host) => ({ host, port }))
}

/** Of a machine whose peer listens nowhere. */
export function interfaceAddresses(port: number, { isHere }: { isHere: boolean }): SocketAddress[] {
	if (port === 0) return []
	const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
	const usable = all.filter(({ internal, address }) => (internal ? isHere : !address.startsWith('fe80:')))
	return usable.map(({ address: host }) => ({ host, port }))
}

function isLoopback(host: string): boolean {
	return host === '::1' || host.startsWith('127.')
}
