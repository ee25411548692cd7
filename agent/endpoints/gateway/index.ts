import type { AgentConfig } from '../../config.ts'
import type { Keyring } from '../../identity/index.ts'
import type { Database } from '../../store/database.ts'
import { GatewayCertificates } from '../../store/gateway-certificates.ts'
import { GatewayPorts } from '../../store/gateway-ports.ts'
import { Gateway, type GatewayModules } from './gateway.ts'
import { servingHosts } from './serving-hosts.ts'

export { OtherGateways } from './acme/other-gateways.ts'
export type { Gateway } from './gateway.ts'
export { OwnRoutes } from './own-routes.ts'

/** The gateway of a node, as its configuration says. */
export function createGateway(
	config: Pick<AgentConfig, 'gatewayServing' | 'host' | 'announce'>,
	node: { peerId: string; name: string },
	{ db, keyring, ...modules }: Omit<GatewayModules, 'store' | 'certificates'> & { db: Database; keyring: Keyring },
): Gateway {
	const { host: address, announce, gatewayServing } = config
	const options = { ...gatewayServing, node, address, hosts: servingHosts(address, announce) }
	const certificates = new GatewayCertificates(db, keyring)
	return new Gateway(options, { ...modules, store: new GatewayPorts(db), certificates })
}
