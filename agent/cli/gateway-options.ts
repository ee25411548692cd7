import { resolve } from 'node:path'
import type { Command } from 'commander'
import { LatticeError } from '../protocol/index.ts'
import { domainName, email, httpsUrl, port, portRange } from './options.ts'
import type { Ports } from './ports.ts'

/** Options of a node that may be a gateway: `up`, `join`, `agent`. */
export interface GatewayOptions {
	gatewayHttp?: number
	gatewayPorts?: string
	gatewayDomain?: string
	gatewayHttps?: number
	gatewayTlsCert?: string
	gatewayTlsKey?: string
	gatewayAcmeEmail?: string
	gatewayAcmeAgreeTos?: boolean
	gatewayAcmeDirectory?: string
	gatewayAcmeRoot?: string
}

/** Absolute, whatever folder the agent's process runs in. */
const file = (path: string) => resolve(path)

export function gatewayOptions(command: Command): Command {
	return command
		.option('--gateway-http <n>', 'workloads by host name (default: 8080 or the next free one)', port)
		.option('--gateway-ports <a-b>', 'workloads by a port of their own (default: 30000-32767)', portRange)
		.option(
			'--gateway-domain <domain>',
			'names are below it, by a wildcard record (default: ADDRESS.sslip.io)',
			domainName,
		)
		.option('--gateway-tls-cert <file>', 'certificate chain (PEM) for HTTPS, and for PostgreSQL by name', file)
		.option('--gateway-tls-key <file>', 'the key of that certificate (PEM)', file)
		.option(
			'--gateway-acme-email <address>',
			'certificates by ACME for names that lead here; who hears of trouble',
			email,
		)
		.option('--gateway-acme-agree-tos', 'agree to the terms of service of the ACME server')
		.option('--gateway-acme-directory <url>', "of another ACME server (default: Let's Encrypt)", httpsUrl)
		.option('--gateway-acme-root <file>', 'what proves an ACME server of your own, and what it issues (PEM)', file)
		.option('--gateway-https <n>', 'port for what is encrypted (default: 8443 or the next free one)', port)
}

/** What the agent's process is told. */
export interface GatewaySettings {
	/** undefined: as its certificate says */
	enabled: boolean | undefined
	httpPort: number
	ports: string | undefined
	domain: string | undefined
	/** undefined: plain only */
	tls:
		| { cert: string | undefined; key: string | undefined; acme: AcmeSettings | undefined; httpsPort: number }
		| undefined
}

export interface AcmeSettings {
	email: string
	directory: string | undefined
	root: string | undefined
}

export async function gatewaySettings(
	options: GatewayOptions,
	enabled: boolean | undefined,
	host: string,
	ports: Ports,
): Promise<GatewaySettings> {
	// A port is looked for only where one is opened: the default of a gateway may be another program's elsewhere.
	const httpPort = enabled === false ? 0 : await ports.pick('gatewayHttp', host, options.gatewayHttp, '--gateway-http')
	const tls = enabled === false ? undefined : await tlsSettings(options, host, ports)
	return { enabled, httpPort, ports: options.gatewayPorts, domain: options.gatewayDomain, tls }
}

async function tlsSettings(options: GatewayOptions, host: string, ports: Ports): Promise<GatewaySettings['tls']> {
	const { gatewayTlsCert: cert, gatewayTlsKey: key, gatewayHttps } = options
	const acme = acmeSettings(options)
	const isPlain = cert === undefined && key === undefined && acme === undefined
	if (isPlain && gatewayHttps === undefined) return undefined
	if (isPlain) {
		const sentence =
			'--gateway-https needs a certificate: give --gateway-tls-cert and --gateway-tls-key, or --gateway-acme-email.'
		throw new LatticeError('INVALID_INPUT', sentence)
	}
	if ((cert === undefined) !== (key === undefined)) {
		throw new LatticeError('INVALID_INPUT', 'Give both --gateway-tls-cert and --gateway-tls-key.')
	}
	return { cert, key, acme, httpsPort: await ports.pick('gatewayHttps', host, gatewayHttps, '--gateway-https') }
}

function acmeSettings(options: GatewayOptions): AcmeSettings | undefined {
	const { gatewayAcmeEmail, gatewayAcmeAgreeTos, gatewayAcmeDirectory: directory, gatewayAcmeRoot: root } = options
	if (gatewayAcmeEmail === undefined) {
		if (!gatewayAcmeAgreeTos && directory === undefined && root === undefined) return undefined
		throw new LatticeError(
			'INVALID_INPUT',
			'Certificates by ACME need an address for trouble: give --gateway-acme-email.',
		)
	}
	if (!gatewayAcmeAgreeTos) {
		const whose = directory ?? "Let's Encrypt (https://letsencrypt.org/repository/)"
		throw new LatticeError('INVALID_INPUT', `Agree to the terms of service of ${whose} by --gateway-acme-agree-tos.`)
	}
	return { email: gatewayAcmeEmail, directory, root }
}
