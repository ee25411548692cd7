import type { Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import { nodeTable } from '../show.ts'
import { clientCommand, withLattice } from './client-command.ts'

export const registerNodes: Register = (program, open) => {
	clientCommand(program, 'nodes', 'the machines of the lattice').action((options: Target, command) => {
		const cli = open(command)
		return withLattice(cli, options, async (lattice) => {
			const nodes = await lattice.nodes()
			cli.answer(nodes, () => nodeTable(nodes, Date.now()).forEach(cli.terminal.out))
		})
	})
}
