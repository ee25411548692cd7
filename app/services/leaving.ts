import type { WorkloadRecord } from '../models/workload.server.ts'
import type { Leaving } from './services.ts'
import { volumesOf } from './volumes.ts'

/** What becomes of the workloads that this machine holds, if it leaves the lattice. */
export function leavingOf(
	records: readonly Pick<WorkloadRecord, 'id' | 'name' | 'type' | 'config' | 'ownerId' | 'assignments'>[],
	peerId: string,
	maySee: (ownerId: string) => boolean,
): Leaving {
	const holders = records.filter(({ assignments }) => replicasOf(assignments, (id) => id === peerId) > 0)
	const workloads = holders
		.filter(({ ownerId }) => maySee(ownerId))
		.map(({ id, name, type, config, assignments }) => ({
			id,
			name,
			here: replicasOf(assignments, (holder) => holder === peerId),
			elsewhere: replicasOf(assignments, (holder) => holder !== peerId),
			// What cannot be named is said to be there: data must not be lost by silence.
			volumes: volumesOf(type, config)?.map((volume) => volume.name) ?? ['all volumes'],
		}))
	return { workloads, hidden: holders.length - workloads.length }
}

function replicasOf(assignments: WorkloadRecord['assignments'], isAt: (peerId: string) => boolean): number {
	return assignments
		.filter(({ state, peerId }) => isAt(peerId) && (state === 'sent' || state === 'taken'))
		.reduce((sum, { ordered }) => sum + ordered.length, 0)
}
