import type { Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import { workloadTable } from '../show.ts'
import { clientCommand, withLattice } from './client-command.ts'

export const registerList: Register = (program, open) => {
	clientCommand(program, 'list', 'your workloads')
		.alias('ls')
		.action((options: Target, command) => {
			const cli = open(command)
			return withLattice(cli, options, async (lattice) => {
				const workloads = await lattice.list()
				cli.answer(workloads, () => workloadTable(workloads, Date.now()).forEach(cli.terminal.out))
			})
		})
}
