import { setTimeout as sleep } from 'node:timers/promises'
import { LatticeError, type Workload, type WorkloadStatus } from '../../protocol/index.ts'
import type { Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import type { Lattice } from '../client/lattice.ts'
import { findWorkload } from '../find-workload.ts'
import { positiveInteger } from '../options.ts'
import { workloadDetail } from '../show.ts'
import { clientCommand, withLattice } from './client-command.ts'

const LOOK_MS = 300
/** Statuses that pass by themselves. */
const UNDER_WAY: ReadonlySet<WorkloadStatus> = new Set(['pending', 'pulling', 'creating', 'starting', 'stopping'])

export const registerScale: Register = (program, open) => {
	clientCommand(program, 'scale', 'run more or fewer replicas of a workload, spread over the nodes')
		.argument('<name>', 'name or id')
		.argument('<replicas>', 'how many of it', positiveInteger)
		.action((name: string, replicas: number, options: Target, command) => {
			const cli = open(command)
			return withLattice(cli, options, async (lattice, signal) => {
				const { id } = await findWorkload(lattice, name)
				await lattice.scale(id, replicas)
				const workload = await scaled(lattice, id, replicas, signal)
				cli.answer(workload, () => workloadDetail({ ...workload, credentials: null }).forEach(cli.terminal.out))
				if (workload.status === 'failed' || workload.status === 'unhealthy') throw missed(workload)
			})
		})
}

/** The workload once as many replicas as wanted are there and none of them is on its way. */
async function scaled(lattice: Lattice, id: string, replicas: number, signal: AbortSignal): Promise<Workload> {
	for (;;) {
		if (signal.aborted) throw new LatticeError('CANCELLED', 'Not waiting any longer; the order goes on.')
		const workload = await lattice.get(id)
		const instances = workload.instances ?? []
		const settled = instances.length === replicas && !instances.some(({ status }) => UNDER_WAY.has(status))
		if (settled || workload.status === 'failed') return workload
		await sleep(LOOK_MS)
	}
}

function missed(workload: Workload): LatticeError {
	if (workload.error) return LatticeError.fromWire(workload.error)
	const why = workload.statusReason ? ` (${workload.statusReason})` : ''
	return new LatticeError('WRONG_STATE', `${workload.name} is ${workload.status}${why}.`)
}
