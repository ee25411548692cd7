import { networkInterfaces } from 'node:os'
import { LatticeError } from '../protocol/index.ts'
import type { PortBinding } from '../store/assignments.ts'
import type { OpenAssignment } from '../store/workloads.ts'

export type Binding = Pick<PortBinding, 'kind' | 'address'>

/**
 * Where the ports of a workload are published on this host: on loopback always, on the LAN address only when the workload
 * asks for it. What gateways front needs no port of the host; ngrok leads to the one on loopback.
 */
export function bindingsFor(open: Pick<OpenAssignment, 'template' | 'config'>): Binding[] {
	const expose = open.template.expose(open.config)
	const bindings: Binding[] = [{ kind: 'host', address: '127.0.0.1' }]
	if (expose.includes('lan')) {
		const lan = lanAddress()
		if (!lan)
			throw new LatticeError(
				'NODE_REFUSED',
				'This node has no LAN address to expose the workload on. Leave "lan" out of expose.',
				{ field: 'config.expose' },
			)
		bindings.push({ kind: 'lan', address: lan })
	}
	return bindings
}

export function isLoopback(address: string): boolean {
	return address === 'localhost' || address === '::1' || address.startsWith('127.')
}

/** First IPv4 address that is neither loopback nor one of the engine's own bridges. */
export function lanAddress(): string | null {
	for (const [name, addresses] of Object.entries(networkInterfaces())) {
		if (/^(docker|br-|veth|lo$)/.test(name)) continue
		const own = addresses?.find((address) => address.family === 'IPv4' && !address.internal)
		if (own) return own.address
	}
	return null
}
