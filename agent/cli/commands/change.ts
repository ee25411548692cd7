import { randomUUID } from 'node:crypto'
import { LatticeError, type Workload, type WorkloadStatus } from '../../protocol/index.ts'
import type { Cli, Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import type { Lattice, Verb } from '../client/lattice.ts'
import { findWorkload } from '../find-workload.ts'
import { ProgressRenderer, silentProgress } from '../progress.ts'
import { settled } from '../settle.ts'
import { workloadDetail } from '../show.ts'
import { clientCommand, withLattice } from './client-command.ts'

/** Orders a change and follows it to its end; null when the workload is gone then. */
export async function change(
	lattice: Lattice,
	cli: Cli,
	id: string,
	order: { send: (commandId: string) => Promise<Workload>; goal: WorkloadStatus | null },
	signal: AbortSignal,
): Promise<Workload | null> {
	const progress = cli.json ? silentProgress : new ProgressRenderer(cli.terminal)
	const commandId = randomUUID()
	try {
		await order.send(commandId)
		return await settled(lattice, id, { commandId, goal: order.goal, signal, onEvent: (event) => progress.show(event) })
	} finally {
		progress.end()
	}
}

const CHANGES = [
	{ verb: 'start', description: 'run a stopped workload again', goal: 'running' },
	{ verb: 'stop', description: 'stop a workload; its data stays', goal: 'stopped' },
	{ verb: 'restart', description: 'stop and start a workload', goal: 'running' },
] as const satisfies readonly { verb: Verb; description: string; goal: WorkloadStatus }[]

export const registerChanges: Register = (program, open) => {
	for (const { verb, description, goal } of CHANGES) {
		clientCommand(program, verb, description)
			.argument('<name>', 'name or id')
			.action((name: string, options: Target, command) => {
				const cli = open(command)
				return withLattice(cli, options, async (lattice, signal) => {
					const { id } = await findWorkload(lattice, name)
					const send = (commandId: string) => lattice.change(verb, id, commandId)
					const order = { send, goal: verb === 'restart' ? null : goal }
					const workload = await change(lattice, cli, id, order, signal)
					if (!workload) throw new LatticeError('NOT_FOUND', `${name} was deleted meanwhile.`)
					const failure = workload.status === goal ? null : missed(workload, goal)
					const render = () => workloadDetail({ ...workload, credentials: null }).forEach(cli.terminal.out)
					cli.answer(workload, render, failure)
				})
			})
	}
}

function missed(workload: Workload, goal: WorkloadStatus): LatticeError {
	if (workload.error) return LatticeError.fromWire(workload.error)
	const why = workload.statusReason ? ` (${workload.statusReason})` : ''
	return new LatticeError('WRONG_STATE', `${workload.name} is ${workload.status}, not ${goal}${why}.`)
}
