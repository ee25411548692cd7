import type { WireError } from '../protocol/index.ts'
import { CommandResult } from '../protocol/index.ts'
import type { Assignment, ReplicaRow } from '../store/assignments.ts'
import type { Outcome } from '../store/journal.ts'
import type { Workloads } from '../store/workloads.ts'

/**
 * What an open command has come to, judged from state alone, so that an agent that was killed settles it the same way
 * after its restart. null: still under way.
 */
export function outcomeOf(
	kind: string,
	assignment: Assignment | null,
	replicas: ReplicaRow[],
	workloads: Workloads,
): Outcome | null {
	if (!assignment) {
		return kind === 'delete' ? { result: CommandResult.parse({}) } : { error: superseded('deleted') }
	}
	const { workloadId } = assignment
	const result = (): Outcome => ({
		result: CommandResult.parse({
			report: workloads.report(workloadId),
			credentials: kind === 'deploy' ? workloads.credentials(workloadId) : null,
		}),
	})
	switch (kind) {
		case 'deploy':
		case 'start':
		case 'restart':
		case 'scale': {
			if (assignment.desired !== 'running') return kind === 'scale' && allStopped(replicas) ? result() : null
			if (replicas.some((row) => row.phase === 'leaving')) return null
			const broken = replicas.find((row) => row.status === 'failed' || row.status === 'unhealthy')
			if (broken) return { error: broken.error ?? unhealthy(broken) }
			const restarted = replicas.every((row) => row.restartNonce === assignment.restartNonce)
			return restarted && replicas.every((row) => row.status === 'running') ? result() : null
		}
		case 'stop':
			return allStopped(replicas) ? result() : null
		default:
			return null
	}
}

function allStopped(replicas: ReplicaRow[]): boolean {
	return replicas.every((row) => row.status === 'stopped' || row.status === 'failed')
}

export function superseded(by: string): WireError {
	return { code: 'CANCELLED', message: `A later command came first: the workload was ${by}.`, facts: { by } }
}

function unhealthy(row: ReplicaRow): WireError {
	return {
		code: 'HEALTH_TIMEOUT',
		message: `Replica ${row.index} is not healthy: ${row.reason ?? 'no reason given'}. Its logs say more.`,
		facts: { replica: row.index },
	}
}
