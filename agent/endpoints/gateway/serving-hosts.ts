import { isIP } from 'node:net'
import { lanAddress } from '../bindings.ts'

/**
 * What to call this gateway, best first: the address it serves on, or, when that is every address, those that were
 * announced and the one of the LAN.
 */
export function servingHosts(address: string, announce: readonly string[]): string[] {
	if (address !== '0.0.0.0' && address !== '::') return [address]
	const announced = announce.flatMap((multiaddr) => /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)/.exec(multiaddr)?.[1] ?? [])
	const lan = lanAddress()
	return [...announced.filter((host) => isIP(host) !== 0), ...(lan ? [lan] : []), '127.0.0.1']
}
