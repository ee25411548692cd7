import { allocatePorts } from '../reconciler/ports.ts'
import type { Assignments, PortBinding, ReplicaRow } from '../store/assignments.ts'
import type { OpenAssignment } from '../store/workloads.ts'

type Ordered = Pick<OpenAssignment, 'template' | 'config'>

/** Rows for replicas that this host shall have, with ports that nobody else here has. */
export async function newReplicas(
	host: {
		assignments: Assignments
		bindingsOf: (open: Ordered) => { kind: PortBinding['kind']; address: string }[]
	},
	order: { workloadId: string; replicas: number[] },
	open: Ordered,
	restartNonce: string | null,
): Promise<ReplicaRow[]> {
	const { assignments, bindingsOf } = host
	const { workloadId, replicas } = order
	const existing = new Map(assignments.replicas(workloadId).map((row) => [row.index, row]))
	const taken = assignments.takenPorts()
	const rows: ReplicaRow[] = []
	for (const index of replicas) {
		const old = existing.get(index)
		const ports = old?.ports ?? (await allocatePorts(open, bindingsOf(open), taken))
		for (const binding of ports) taken.add(binding.port)
		rows.push({
			workloadId,
			index,
			phase: 'accepted',
			status: 'pending',
			reason: null,
			error: null,
			containerId: old?.containerId ?? null,
			restartNonce,
			ports,
			settledOnce: old?.settledOnce ?? false,
			restarts: 0,
			startedAt: null,
			exitCode: null,
		})
	}
	return rows
}

/** A replica that failed or stopped gets a fresh try. */
export function retryReplicas(assignments: Assignments, workloadId: string): void {
	for (const row of assignments.replicas(workloadId)) {
		if (row.status === 'running' || row.phase === 'leaving') continue
		assignments.putReplica({ ...row, status: 'pending', phase: 'accepted', reason: null, error: null, restarts: 0 })
	}
}

/** From the order on it is not running: who waits for `running` after a restart must not find the time before it. */
export function interruptReplicas(assignments: Assignments, workloadId: string): void {
	for (const row of assignments.replicas(workloadId)) {
		if (row.status === 'running') assignments.putReplica({ ...row, status: 'stopping', reason: null })
	}
}
