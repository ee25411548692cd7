import { networkInterfaces } from 'node:os'
import { LatticeError } from '../protocol/index.ts'
import type { PortBinding } from '../store/assignments.ts'
import type { OpenAssignment } from '../store/workloads.ts'

export interface BindingOptions {
	/** the address that console and agent serve on (`--host`, `--agent-host`) */
	host: string
	gateway: boolean
}

export type Binding = Pick<PortBinding, 'kind' | 'address'>

/**
 * Where the ports of a workload are published on this host. Loopback always; the node's serving address when it is a
 * gateway that someone made public; the LAN address only when the workload asks for it. So with the defaults nothing
 * is public until someone says so.
 */
export function bindingsFor(options: BindingOptions, open: Pick<OpenAssignment, 'template' | 'config'>): Binding[] {
	const expose = open.template.expose(open.config)
	if (expose.includes('ngrok')) {
		throw new LatticeError(
			'NODE_REFUSED',
			'This node has no ngrok token, so it cannot expose a workload by ngrok. Leave "ngrok" out of expose.',
			{ field: 'config.expose' },
		)
	}
	const bindings: Binding[] = [{ kind: 'host', address: '127.0.0.1' }]
	const lan = lanAddress()
	if (expose.includes('gateway') && options.gateway && !isLoopback(options.host)) {
		const address = options.host === '0.0.0.0' ? lan : options.host
		if (address) bindings.push({ kind: 'gateway', address })
	}
	if (expose.includes('lan')) {
		if (!lan)
			throw new LatticeError(
				'NODE_REFUSED',
				'This node has no LAN address to expose the workload on. Leave "lan" out of expose.',
				{ field: 'config.expose' },
			)
		if (!bindings.some((binding) => binding.address === lan)) bindings.push({ kind: 'lan', address: lan })
	}
	return bindings
}

export function isLoopback(address: string): boolean {
	return address === 'localhost' || address === '::1' || address.startsWith('127.')
}

/** First IPv4 address that is neither loopback nor one of the engine's own bridges. */
function lanAddress(): string | null {
	for (const [name, addresses] of Object.entries(networkInterfaces())) {
		if (/^(docker|br-|veth|lo$)/.test(name)) continue
		const own = addresses?.find((address) => address.family === 'IPv4' && !address.internal)
		if (own) return own.address
	}
	return null
}
