import type { Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import { findWorkload } from '../find-workload.ts'
import { workloadDetail } from '../show.ts'
import { clientCommand, withLattice } from './client-command.ts'

export const registerGet: Register = (program, open) => {
	clientCommand(program, 'get', 'one workload with its endpoints and credentials')
		.argument('<name>', 'name or id')
		.action((name: string, options: Target, command) => {
			const cli = open(command)
			return withLattice(cli, options, async (lattice) => {
				const workload = await lattice.get((await findWorkload(lattice, name)).id)
				cli.answer(workload, () => workloadDetail(workload).forEach(cli.terminal.out))
			})
		})
}
