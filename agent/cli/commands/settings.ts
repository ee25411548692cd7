import { text } from 'node:stream/consumers'
import { LatticeError } from '../../protocol/index.ts'
import type { Cli, Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import type { NgrokStatus } from '../client/lattice.ts'
import { clientCommand, withLattice } from './client-command.ts'

interface NgrokOptions extends Target {
	tokenStdin?: boolean
	clear?: boolean
}

export const registerSettings: Register = (program, open) => {
	const settings = program.command('settings').description('settings of the lattice, for its owner and admins')
	clientCommand(
		settings,
		'ngrok',
		'the auth token that workloads are exposed with by ngrok; alone: whether there is one',
	)
		.option('--token-stdin', 'take the token from stdin; on a terminal it is asked for')
		.option('--clear', 'take the token away; tunnels are closed')
		.action(async (options: NgrokOptions, command) => {
			const cli = open(command)
			if (options.tokenStdin && options.clear)
				throw new LatticeError('INVALID_INPUT', 'Give either --token-stdin or --clear, not both.')
			const token = options.tokenStdin ? await tokenOf(cli) : null
			await withLattice(cli, options, async (lattice) => {
				const changes = options.tokenStdin || options.clear
				const status = await (changes ? lattice.setNgrok(token) : lattice.ngrok())
				cli.answer(status, () => cli.terminal.out(sentenceOf(status)))
			})
		})
}

/** Never an argument: those are seen by everybody on the machine, and kept in the shell's history. */
async function tokenOf({ terminal }: Cli): Promise<string> {
	const given = terminal.interactive ? await terminal.askSecret('ngrok auth token: ') : await text(process.stdin)
	if (given.trim() === '') throw new LatticeError('INVALID_INPUT', 'stdin held no token.')
	return given.trim()
}

function sentenceOf({ configured, changedAt }: NgrokStatus): string {
	if (configured) return `there is an ngrok auth token, set ${changedAt}`
	return `there is no ngrok auth token${changedAt ? `, taken away ${changedAt}` : ''}`
}
