import type { Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import { findWorkload } from '../find-workload.ts'
import { ProgressRenderer } from '../progress.ts'
import { clientCommand, withLattice } from './client-command.ts'

export const registerEvents: Register = (program, open) => {
	clientCommand(program, 'events', 'what happened to a workload, and what happens, until Ctrl-C')
		.argument('<name>', 'name or id')
		.action((name: string, options: Target, command) => {
			const cli = open(command)
			return withLattice(cli, options, async (lattice, signal) => {
				const { id } = await findWorkload(lattice, name)
				// Here the events are the result, so the lines go to stdout.
				const progress = new ProgressRenderer({ ...cli.terminal, live: false, notice: cli.terminal.out })
				for await (const event of lattice.events(id, signal)) {
					if (cli.json) cli.terminal.out(JSON.stringify(event))
					else progress.show(event)
				}
			})
		})
}
