import type { Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import { keyValue, positiveInteger, seconds } from '../options.ts'
import { clientCommand, withLattice } from './client-command.ts'

interface InviteOptions extends Target {
	ttl: number
	uses: number
	label?: Record<string, string>
}

const HOUR_S = 3600

export const registerInvite: Register = (program, open) => {
	clientCommand(program, 'invite', 'make the line that another machine joins with')
		.option('--ttl <time>', 'how long it can be used, such as 15m, 1h or 7d', seconds, HOUR_S)
		.option('--uses <n>', 'how many machines may use it', positiveInteger, 1)
		.option('--label <k=v>', 'a label of the node that joins; repeatable', keyValue)
		.action((options: InviteOptions, command) => {
			const cli = open(command)
			return withLattice(cli, options, async (lattice) => {
				const wish = { ttlSeconds: options.ttl, uses: options.uses, labels: options.label ?? {} }
				const invite = await lattice.invite(wish)
				cli.answer(invite, () => {
					cli.terminal.out(invite.token)
					if (cli.terminal.interactive) cli.terminal.notice('On the other machine: ./lattice join TOKEN')
				})
			})
		})
}
