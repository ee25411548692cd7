import { LatticeError, type Probed } from '../../protocol/index.ts'
import { measuresOf } from '../../protocol/measures.ts'
import type { Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import { findWorkload } from '../find-workload.ts'
import { plain } from '../format.ts'
import { clientCommand, withLattice } from './client-command.ts'

export const registerProbe: Register = (program, open) => {
	clientCommand(program, 'probe', 'have another node dial the endpoints of a workload, and say what it measured')
		.argument('<name>', 'name or id')
		.option('--url <url>', 'this endpoint alone')
		.action((name: string, options: Target & { url?: string }, command) => {
			const cli = open(command)
			return withLattice(cli, options, async (lattice) => {
				const { id, endpoints } = await findWorkload(lattice, name)
				// what kind "host" is good on its own machine only
				const others = endpoints.filter(({ kind }) => kind !== 'host').map(({ url }) => url)
				const urls = options.url === undefined ? others : [options.url]
				if (urls.length === 0)
					throw new LatticeError('WRONG_STATE', `${name} has no endpoint now that another machine could dial.`)
				const probed: Probed[] = []
				// one after the other: each is measured alone
				for (const url of urls) probed.push(await lattice.probe(id, url))
				const silent = probed.filter(({ answered }) => !answered)
				const failure =
					silent.length === 0
						? null
						: new LatticeError('HOST_UNREACHABLE', `${silent.length} of ${urls.length} endpoints do not answer.`, {
								urls: silent.map(({ url }) => url),
							})
				cli.answer(probed, () => probed.map(probedLine).forEach(cli.terminal.out), failure)
			})
		})
}

export function probedLine(probed: Probed): string {
	const { url, answered, problem, from, isElsewhere } = probed
	const by = isElsewhere ? from.name : `${from.name}, which serves it itself`
	return `${answered ? '✓' : '✗'} ${url}  ${by}: ${problem === null ? measuresOf(probed) : plain(problem)}`
}
