import type { Assignment, ReplicaRow } from '../../store/assignments.ts'

/** One port of one workload that shall be reached through ngrok. */
export interface Tunnel {
	workloadId: string
	name: string
	replica: number
	container: number
	protocol: 'http' | 'tcp'
	/** where the replica answers on this host */
	target: string
}

const SERVING: readonly ReplicaRow['status'][] = ['running', 'unhealthy']

/**
 * One tunnel a declared port, to the first replica here that runs: plans of ngrok count tunnels, and a second replica
 * adds no way in that the first has not.
 */
export function wantedTunnels(
	{ workloadId, name, desired }: Pick<Assignment, 'workloadId' | 'name' | 'desired'>,
	rows: readonly Pick<ReplicaRow, 'index' | 'status' | 'ports'>[],
	expose: readonly string[],
): Tunnel[] {
	if (desired !== 'running' || !expose.includes('ngrok')) return []
	const [row] = rows.filter(({ status }) => SERVING.includes(status)).sort((a, b) => a.index - b.index)
	if (!row) return []
	return row.ports
		.filter(({ kind }) => kind === 'host')
		.map(({ container, protocol, address, port }) => ({
			workloadId,
			name,
			replica: row.index,
			container,
			protocol,
			target: `${address.includes(':') ? `[${address}]` : address}:${port}`,
		}))
}

/** The same key, the same tunnel: whatever differs needs another one. */
export function tunnelKey({ workloadId, replica, container, protocol, target }: Tunnel): string {
	return [workloadId, replica, container, protocol, target].join(' ')
}

/** What makes those that are open those that are wanted. Without a token none may stay. */
export function planTunnels(
	wanted: readonly Tunnel[],
	open: ReadonlySet<string>,
	token: string | null,
): { open: Tunnel[]; close: string[] } {
	const keep = new Set(token === null ? [] : wanted.map(tunnelKey))
	return {
		open: token === null ? [] : wanted.filter((tunnel) => !open.has(tunnelKey(tunnel))),
		close: [...open].filter((key) => !keep.has(key)),
	}
}
