import type { PeerConnection } from './mesh/index.ts'
import type { NodeView, PeerPath } from './protocol/index.ts'

/** The connections with other members, by name. Probes measure more often than pings, and to all. */
export function peerPaths(connected: readonly PeerConnection[], nodes: readonly NodeView[]): PeerPath[] {
	const views = new Map(nodes.map((view) => [view.status.peerId, view]))
	const nameOf = (peerId: string) => views.get(peerId)?.status.name ?? peerId
	return connected
		.filter(({ certificate }) => certificate.role !== 'device')
		.map(({ peerId, certificate, through, rttMs }) => ({
			peerId,
			name: certificate.name ?? nameOf(peerId),
			through: through === null ? null : nameOf(through),
			rttMs: views.get(peerId)?.roundTripMs ?? rttMs,
		}))
		.sort((a, b) => (a.name < b.name ? -1 : 1))
}
