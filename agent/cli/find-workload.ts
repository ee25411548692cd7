import { LatticeError, type Workload } from '../protocol/index.ts'
import type { Lattice } from './client/lattice.ts'

/** By id, or by name: one's own names are unique, but an owner of the lattice sees other people's too. */
export async function findWorkload(lattice: Lattice, idOrName: string): Promise<Workload> {
	return pickWorkload(await lattice.list(), idOrName)
}

export function pickWorkload(workloads: Workload[], idOrName: string): Workload {
	const byId = workloads.find((workload) => workload.id === idOrName)
	if (byId) return byId
	const named = workloads.filter((workload) => workload.name === idOrName)
	const [only, ...more] = named
	if (!only) {
		throw new LatticeError('NOT_FOUND', `There is no workload "${idOrName}"; "lattice list" shows yours.`, {
			name: idOrName,
		})
	}
	if (more.length > 0) {
		const ids = named.map((workload) => workload.id)
		throw new LatticeError(
			'INVALID_INPUT',
			`Several workloads are named "${idOrName}"; give the id: ${ids.join(', ')}.`,
			{ ids },
		)
	}
	return only
}
