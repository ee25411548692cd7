import type { Command } from 'commander'
import { domainName, port, portRange } from './options.ts'
import type { Ports } from './ports.ts'

/** Options of a node that may be a gateway: `up`, `join`, `agent`. */
export interface GatewayOptions {
	gatewayHttp?: number
	gatewayPorts?: string
	gatewayDomain?: string
}

export function gatewayOptions(command: Command): Command {
	return command
		.option('--gateway-http <n>', 'workloads by host name (default: 8080 or the next free one)', port)
		.option('--gateway-ports <a-b>', 'workloads by a port of their own (default: 30000-32767)', portRange)
		.option(
			'--gateway-domain <domain>',
			'names are below it, by a wildcard record (default: ADDRESS.sslip.io)',
			domainName,
		)
}

/** What the agent's process is told. */
export interface GatewaySettings {
	/** undefined: as its certificate says */
	enabled: boolean | undefined
	httpPort: number
	ports: string | undefined
	domain: string | undefined
}

export async function gatewaySettings(
	options: GatewayOptions,
	enabled: boolean | undefined,
	host: string,
	ports: Ports,
): Promise<GatewaySettings> {
	// A port is looked for only where one is opened: the default of a gateway may be another program's elsewhere.
	const httpPort = enabled === false ? 0 : await ports.pick('gatewayHttp', host, options.gatewayHttp, '--gateway-http')
	return { enabled, httpPort, ports: options.gatewayPorts, domain: options.gatewayDomain }
}
