import { readFileSync } from 'node:fs'
import { LatticeError, NodeName, parseInput } from '../../protocol/index.ts'
import type { Register } from '../cli.ts'
import { isEnrolled } from '../home.ts'
import { keyValue } from '../options.ts'
import { type AgentOptions, agentOptions, runAgent } from './agent.ts'

interface JoinOptions extends AgentOptions {
	name?: string
	label?: Record<string, string>
}

export const registerJoin: Register = (program, open) => {
	agentOptions(
		program.command('join').description('enrol this machine with an invite, then run its agent in the foreground'),
	)
		.argument('<token>', 'what `lattice invite` printed; "-" reads it from stdin')
		.option('--name <name>', 'name of this node (default: the host name)')
		.option('--label <k=v>', 'a label of this node; repeatable', keyValue)
		.action(async (argument: string, options: JoinOptions, command) => {
			const cli = open(command)
			const name = options.name === undefined ? undefined : parseInput(NodeName, options.name, ['--name'])
			if (isEnrolled(cli.home)) {
				throw new LatticeError(
					'WRONG_STATE',
					`${cli.home.path} has joined a lattice already; run it with "lattice agent", or give another --home.`,
				)
			}
			const invite = await tokenFrom(argument)
			await runAgent({ ...options, name, invite, labels: options.label ?? {} }, cli)
		})
}

/** Refused here when it can never work, before an engine is installed for it. */
async function tokenFrom(argument: string): Promise<string> {
	const token = (argument === '-' ? readFileSync(0, 'utf8') : argument).replaceAll(/\s/g, '')
	if (!/^[A-Za-z0-9_-]{40,}$/.test(token)) {
		throw new LatticeError('INVALID_INPUT', 'This is no invite; paste the whole line that "lattice invite" printed.')
	}
	const { parseInvite } = await import('../../identity/index.ts')
	parseInvite(token)
	return token
}
