import type { NodeStatus } from '../../agent/protocol/index.ts'

const NOTHING = { cpus: 0, memoryBytes: 0, diskBytes: 0 }

/** A node that has joined and said nothing yet: it offers nothing, so nothing is placed on it. */
export function unheardStatus(peerId: string, name: string): NodeStatus {
	return {
		peerId,
		name,
		incarnation: 0,
		sequence: 0,
		labels: {},
		capacity: NOTHING,
		allocated: NOTHING,
		arch: 'unknown',
		os: 'unknown',
		engine: { ready: false, reason: 'This node has joined and has not reported yet.', version: null },
		gateway: false,
		relay: false,
		restUrl: null,
		images: [],
		recentFailures: 0,
		workloads: [],
		version: '0',
		addresses: [],
	}
}
