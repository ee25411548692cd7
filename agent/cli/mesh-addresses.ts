import { isIP } from 'node:net'
import { LatticeError } from '../protocol/index.ts'

/** The same addresses at another port: the console is a peer of its own beside the agent. */
export function atPort(multiaddrs: readonly string[], port: number): string[] {
	return [...new Set(multiaddrs.map((address) => address.replace(/\/tcp\/\d+/, `/tcp/${port}`)))]
}

/** `--announce`: an IP address or a name, which means the port of the mesh, or a whole multiaddr. */
export function announced(addresses: readonly string[], port: number): string[] {
	return addresses.map((address) => {
		if (address.startsWith('/')) return address
		const family = isIP(address)
		if (family !== 0) return `/ip${family}/${address}/tcp/${port}`
		if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(address)) return `/dns/${address}/tcp/${port}`
		throw new LatticeError(
			'INVALID_INPUT',
			`--announce: ${address} is no address; give an IP address, a name, or a multiaddr such as /dns4/home.example.org/tcp/4100.`,
		)
	})
}

export function portOf(multiaddrs: readonly string[]): number {
	return Number(/\/tcp\/(\d+)/.exec(multiaddrs[0] ?? '')?.[1] ?? 0)
}
