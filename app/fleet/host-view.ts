import type { Liveness, NodePath, NodeStatus, NodeView } from '../../agent/protocol/index.ts'
import type { HostLink } from './host-link.server.ts'
import { unheardStatus } from './unheard-status.ts'

/** What this console has of a node. */
export interface Host {
	link: HostLink
	/** of its certificate: what a node calls itself otherwise does not count */
	name: string
	status: NodeStatus | null
	addresses: string[]
	liveness: Liveness
	lastSeenAt: Date
	/** it spoke since this console started */
	heard: boolean
	downTimer: NodeJS.Timeout | null
}

export function toView(peerId: string, host: Host): NodeView {
	return {
		status: host.status ?? unheardStatus(peerId, host.name),
		// A node that joined but has not spoken cannot be given work.
		liveness: host.status === null && host.liveness === 'alive' ? 'suspect' : host.liveness,
		lastSeenAt: (host.liveness === 'alive' ? new Date() : host.lastSeenAt).toISOString(),
		roundTripMs: null,
	}
}

/** `path`: the connection with it, when there is one. */
export function withPath(view: NodeView, path: NodePath | undefined): NodeView {
	if (!path) return { ...view, path: null }
	const { through, rttMs } = path
	return { ...view, roundTripMs: rttMs, path: { through, rttMs } }
}
