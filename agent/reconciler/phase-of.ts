import type { Phase, WorkloadStatus } from '../protocol/index.ts'

/** The event that tells of a change to this status. */
export function phaseOf(status: WorkloadStatus): Phase {
	switch (status) {
		case 'running':
		case 'unhealthy':
		case 'starting':
		case 'stopping':
		case 'stopped':
		case 'deleting':
		case 'failed':
		case 'creating':
		case 'pulling':
			return status
		case 'pending':
			return 'accepted'
		case 'unknown':
			return 'unhealthy'
	}
}
