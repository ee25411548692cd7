import type { TLSSocket } from 'node:tls'
import type { Directory } from '../../commands/directory.ts'
import type { MembershipClaims, Trust } from '../../identity/index.ts'
import type { Peer } from '../../mesh/index.ts'
import type { Fingerprint } from '../../protocol/index.ts'
import type { Dialer } from '../dialer.ts'
import { dataAddresses, listenHosts } from './addresses.ts'
import { makeDataCertificate } from './certificate.ts'
import { DataPort } from './data-port.ts'
import { DialHost, type DialHostModules } from './dial-host.ts'
import { decodeHeader, HEADER_BYTES, type Header, readExactly } from './header.ts'
import { Leases } from './leases.ts'
import { DataPlane } from './plane.ts'
import { PlaneMetrics, type PlaneTotals } from './plane-metrics.ts'
import { ReadyDialer } from './ready-dialer.ts'
import { ReplicaSockets, type ReplicaSocketsModules } from './replica-sockets.ts'

export interface HostPlaneModules extends ReplicaSocketsModules {
	peer: Peer
	/** of this node */
	certificate: MembershipClaims
	trust: () => Trust
	journal: DialHostModules['journal']
	directory: Pick<Directory, 'nodes'>
	onRefused: DialHostModules['onRefused']
	log: { debug(facts: object, message: string): void }
}

export interface HostPlane {
	dialer: Dialer
	/** listens; what others ask is answered from the start */
	start(): Promise<void>
	/** ends all that it carries */
	stop(): void
	totals(): PlaneTotals[]
}

/** Over libp2p its first bytes must come as soon. */
const HEADER_MS = 5_000

/** The whole data plane of a node: what others open here, and what this node opens elsewhere. */
export function hostDataPlane(options: { listen: string[]; port: number }, modules: HostPlaneModules): HostPlane {
	const { peer, certificate, trust, directory, changes, log } = modules
	const own = makeDataCertificate()
	const metrics = new PlaneMetrics()
	const leases = new Leases()
	const addresses = (to: { isHere: boolean } = { isHere: true }) => dataAddresses(peer.addresses(), port.port, to)
	const self = { peerId: peer.peerId, certificate: () => certificate }
	const sockets = new ReplicaSockets(modules)
	const host = new DialHost({ ...modules, self, own, sockets, leases, metrics, addresses })
	const onConnection = (socket: TLSSocket, header: Header, pin: Fingerprint) => {
		if (header.kind === 'open') void host.open(socket, header, { certificate: pin }, 'direct')
		else if (!plane.arrive(socket, header, pin)) socket.destroy()
	}
	const port = new DataPort({ own, hosts: listenHosts(options.listen), port: options.port, onConnection })
	const nameOf = (peerId: string) =>
		directory.nodes().find(({ status }) => status.peerId === peerId)?.status.name ?? null
	const plane = new DataPlane({ peer, own, host, port, addresses, nameOf, metrics, log })
	const readyDialer = new ReadyDialer({ own, leases, host, log })
	peer.handleDials({
		dial: (request, from) => host.grant(request, from),
		ready: async (request, context) => readyDialer.ready(request, context),
		data: async (stream, { from, relayed }) => {
			try {
				const header = decodeHeader(await readExactly(stream, HEADER_BYTES, AbortSignal.timeout(HEADER_MS)))
				if (header?.kind !== 'open') stream.destroy()
				else await host.open(stream, header, { peerId: from.peerId }, relayed ? 'relayed' : 'mesh')
			} catch {
				// It hung up or said nothing: nothing was promised to it.
				stream.destroy()
			}
		},
	})
	const forgets = [
		trust().onLearned(({ kind }) => kind === 'revocation' && host.recheck()),
		changes.on((change) => change.kind === 'removed' && metrics.forget(change.workloadId)),
	]
	return {
		dialer: plane,
		start: () => port.listen(),
		stop() {
			for (const forget of forgets) forget()
			plane.close()
			readyDialer.close()
			port.close()
			metrics.closeAll()
		},
		totals: () => metrics.totals(),
	}
}
