import { BlockList, isIP } from 'node:net'
import { isDatabase, labelOf } from '../names.ts'
import type { Route } from '../table.ts'

/** Names that a certificate may be for, each with its owner: what workloads have that their owners want to run, nothing else. */
export function certificateNames(
	routes: readonly Route[],
	/** null: none below the base domain */
	domain: string | null,
	isWanted: (name: string) => boolean,
): Map<string, string> {
	const names = new Map<string, string>()
	for (const route of routes) {
		if (!route.wanted) continue
		const below = domain !== null && (route.httpIndex !== null || isDatabase(route)) ? [nameOf(route, domain)] : []
		for (const name of [...route.domains, ...below]) {
			if (!names.has(name) && isWanted(name)) names.set(name, route.owner)
		}
	}
	return names
}

/** The default host name of a route. */
export function nameOf(route: Parameters<typeof labelOf>[0], domain: string): string {
	return `${labelOf(route)}.${domain}`
}

/** https://www.iana.org/assignments/iana-ipv4-special-registry and its like for IPv6, as far as machines have them. */
const NOT_PUBLIC = new BlockList()
for (const [network, bits] of [
	['0.0.0.0', 8],
	['10.0.0.0', 8],
	['100.64.0.0', 10],
	['127.0.0.0', 8],
	['169.254.0.0', 16],
	['172.16.0.0', 12],
	['192.168.0.0', 16],
	['198.18.0.0', 15],
] as const)
	NOT_PUBLIC.addSubnet(network, bits, 'ipv4')
for (const [network, bits] of [
	['::', 127],
	['fc00::', 7],
	['fe80::', 10],
] as const)
	NOT_PUBLIC.addSubnet(network, bits, 'ipv6')

/** Whether an authority of the internet could dial it; a host name is taken for it. */
export function mayBePublic(host: string): boolean {
	const version = isIP(host)
	return version === 0 || !NOT_PUBLIC.check(host, version === 6 ? 'ipv6' : 'ipv4')
}
