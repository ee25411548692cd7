import type { Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import { findWorkload } from '../find-workload.ts'
import { explanationLines } from '../show.ts'
import { clientCommand, withLattice } from './client-command.ts'

export const registerExplain: Register = (program, open) => {
	clientCommand(program, 'explain', 'why a workload runs where it runs')
		.argument('<name>', 'name or id')
		.action((name: string, options: Target, command) => {
			const cli = open(command)
			return withLattice(cli, options, async (lattice) => {
				const explanation = await lattice.explain((await findWorkload(lattice, name)).id)
				cli.answer(explanation, () => explanationLines(explanation).forEach(cli.terminal.out))
			})
		})
}
