import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'

/** Switches and cables of containers and virtual machines: the same addresses on many machines, and they lead to none. */
const VIRTUAL = /^(docker\d|br-[0-9a-f]{12}|veth|virbr|lxcbr|lxdbr|podman|cni|cbr\d|flannel|cali|nerdctl|vmnet|vboxnet)/
const LINK_LOCAL = /^(169\.254\.|fe[89ab])/i

type Interfaces = NodeJS.Dict<NetworkInterfaceInfo[]>

/**
 * Of the addresses that this machine listens on, those that another one may dial: of real interfaces and tunnels.
 * Loopback comes last; console and agent of one machine find each other by it when its network changes.
 */
export function announceable(listening: readonly string[], interfaces: Interfaces = networkInterfaces()): string[] {
	const virtual = new Set(
		Object.entries(interfaces)
			.filter(([name]) => VIRTUAL.test(name))
			.flatMap(([, infos]) => infos ?? [])
			.map(({ address }) => address),
	)
	const useful = listening.filter((address) => {
		const host = hostOf(address)
		return host === null || !(virtual.has(host) || LINK_LOCAL.test(host))
	})
	return useful.sort((a, b) => Number(isLoopback(a)) - Number(isLoopback(b)))
}

export function isLoopback(address: string): boolean {
	const host = hostOf(address)
	return host !== null && (host.startsWith('127.') || host === '::1')
}

/** The other end is on this machine: what it can dial says nothing about what others can. */
export function isThisMachine(address: string, interfaces: Interfaces = networkInterfaces()): boolean {
	const host = hostOf(address)
	return Object.values(interfaces).some((infos) => infos?.some((info) => info.address === host))
}

/** Host and port, without whose they are. */
export function socketOf(address: string): string | null {
	return /^\/ip[46]\/[^/]+\/tcp\/\d+/.exec(address)?.[0] ?? null
}

/** The IP address that it begins with; null for a name. */
function hostOf(address: string): string | null {
	return /^\/ip[46]\/([^/]+)/.exec(address)?.[1] ?? null
}
