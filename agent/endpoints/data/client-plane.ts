import type { TLSSocket } from 'node:tls'
import type { Peer } from '../../mesh/index.ts'
import type { Fingerprint } from '../../protocol/index.ts'
import type { Dialer } from '../dialer.ts'
import { interfaceAddresses } from './addresses.ts'
import { makeDataCertificate } from './certificate.ts'
import { DataPort } from './data-port.ts'
import type { Header } from './header.ts'
import { DataPlane } from './plane.ts'
import { PlaneMetrics } from './plane-metrics.ts'

export interface ClientPlane {
	dialer: Dialer
	close(): void
}

/**
 * The data plane of a machine that hosts nothing. It listens only when a host cannot be reached otherwise, at any free
 * port, for the connections that this host then dials.
 */
export function clientDataPlane(peer: Peer, nameOf: (peerId: string) => string | null): ClientPlane {
	const own = makeDataCertificate()
	const metrics = new PlaneMetrics()
	const onConnection = (socket: TLSSocket, header: Header, pin: Fingerprint) => {
		if (header.kind !== 'ready' || !plane.arrive(socket, header, pin)) socket.destroy()
	}
	const port = new DataPort({ own, hosts: ['0.0.0.0'], port: 0, onConnection })
	const addresses = (to: { isHere: boolean }) => interfaceAddresses(port.port, to)
	const log = { debug: () => undefined }
	const plane = new DataPlane({ peer, own, host: null, port, addresses, nameOf, metrics, log })
	return {
		dialer: plane,
		close() {
			plane.close()
			port.close()
			metrics.closeAll()
		},
	}
}
