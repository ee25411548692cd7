import { BlockList, isIP } from 'node:net'
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import type { SocketAddress } from '../../protocol/index.ts'

type Interfaces = Record<string, Pick<NetworkInterfaceInfo, 'address' | 'family' | 'cidr'>[] | undefined>

/** Nothing of the services that machines keep below it is dialled for anybody. */
const LEAST_PORT = 1024

/** Loopback only for a peer that itself is on this machine; link-local holds the metadata services of clouds. */
export function mayDial(
	{ host, port }: SocketAddress,
	remoteAddress: string,
	interfaces: Interfaces = networkInterfaces(),
): boolean {
	const family = isIP(host)
	if (family === 0 || port < LEAST_PORT) return false
	const isHere = /^\/ip4\/127\.|^\/ip6\/::1\//.test(remoteAddress)
	return isHere || !ownAddresses(interfaces).check(host, family === 4 ? 'ipv4' : 'ipv6')
}

/**
 * This machine, its containers' networks, and addresses that mean no particular machine. What IPv4 rules say holds for
 * addresses mapped into IPv6, too (BlockList); a rule for those would hold for all of IPv4.
 */
function ownAddresses(interfaces: Interfaces): BlockList {
	const list = new BlockList()
	for (const [network, prefix] of [
		['0.0.0.0', 8],
		['127.0.0.0', 8],
		['169.254.0.0', 16],
		['224.0.0.0', 3],
	] as const)
		list.addSubnet(network, prefix, 'ipv4')
	for (const [network, prefix] of [
		['::', 127],
		['fe80::', 10],
		['ff00::', 8],
	] as const)
		list.addSubnet(network, prefix, 'ipv6')
	for (const [name, addresses] of Object.entries(interfaces)) {
		const isEngines = /^(docker|br-|veth)/.test(name)
		for (const { address, family, cidr } of addresses ?? []) {
			const type = family === 'IPv4' ? 'ipv4' : 'ipv6'
			const prefix = Number(cidr?.split('/')[1] ?? 32)
			if (isEngines && cidr) list.addSubnet(address, prefix, type)
			else list.addAddress(address, type)
		}
	}
	return list
}
