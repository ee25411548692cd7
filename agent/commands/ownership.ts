import type { Subject } from '../identity/index.ts'
import { LatticeError } from '../protocol/index.ts'

/** Owner and admin see and change everything; a member its own. */
export function mayTouch(subject: Subject, owner: string): boolean {
	return subject.userId === owner || subject.role === 'owner' || subject.role === 'admin'
}

/** The same answer for what does not exist and for what is another's: nobody learns of others' workloads. */
export function notFound(workloadId: string): LatticeError {
	return new LatticeError('NOT_FOUND', `There is no workload ${workloadId} that you may see.`, { workloadId })
}
