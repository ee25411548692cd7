import { LatticeError } from '../../protocol/index.ts'
import type { Cli, Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import { findWorkload } from '../find-workload.ts'
import { change } from './change.ts'
import { clientCommand, withLattice } from './client-command.ts'

interface DeleteOptions extends Target {
	yes: boolean
	keepData: boolean
}

export const registerDelete: Register = (program, open) => {
	clientCommand(program, 'delete', 'remove a workload and its data')
		.alias('rm')
		.argument('<name>', 'name or id')
		.option('--keep-data', 'leave its volumes on the node', false)
		.option('--yes', 'do not ask for the name again', false)
		.action((name: string, options: DeleteOptions, command) => {
			const cli = open(command)
			return withLattice(cli, options, async (lattice, signal) => {
				const workload = await findWorkload(lattice, name)
				if (!options.yes) await confirmName(workload.name, cli)
				const send = (commandId: string) => lattice.delete(workload.id, { commandId, keepData: options.keepData })
				const left = await change(lattice, cli, workload.id, { send, goal: null }, signal)
				if (left) throw notGone(left.name, left.status, left.statusReason)
				cli.answer({ id: workload.id, name: workload.name, deleted: true }, () =>
					cli.terminal.out(`${workload.name} is deleted`),
				)
			})
		})
}

async function confirmName(name: string, { terminal }: Cli): Promise<void> {
	if (!terminal.interactive) {
		throw new LatticeError('INVALID_INPUT', 'Deleting asks for the name; without a terminal, give --yes.')
	}
	const typed = await terminal.ask(`This deletes ${name} and its data for good. Type its name: `)
	if (typed.trim() !== name) throw new LatticeError('CANCELLED', `That is not its name; ${name} stays.`)
}

function notGone(name: string, status: string, reason: string | null): LatticeError {
	return new LatticeError('WRONG_STATE', `${name} is still there: ${status}${reason ? ` (${reason})` : ''}.`)
}
