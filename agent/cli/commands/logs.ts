import type { LogLine } from '../../protocol/index.ts'
import type { Cli, Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import { findWorkload } from '../find-workload.ts'
import { plain } from '../format.ts'
import { positiveInteger } from '../options.ts'
import { clientCommand, withLattice } from './client-command.ts'

interface LogsOptions extends Target {
	follow: boolean
	lines: number
	timestamps: boolean
}

export const registerLogs: Register = (program, open) => {
	clientCommand(program, 'logs', 'what a workload wrote')
		.argument('<name>', 'name or id')
		.option('-f, --follow', 'go on as it writes, until Ctrl-C', false)
		.option('-n, --lines <n>', 'how many of the last lines', positiveInteger, 200)
		.option('-t, --timestamps', 'when each line was written', false)
		.action((name: string, options: LogsOptions, command) => {
			const cli = open(command)
			return withLattice(cli, options, async (lattice, signal) => {
				const { id, replicas } = await findWorkload(lattice, name)
				const print = printer(cli, options, replicas > 1)
				if (options.follow) {
					for await (const batch of lattice.followLogs(id, options.lines, signal)) batch.forEach(print)
					return
				}
				const lines = await lattice.logs(id, options.lines)
				cli.answer({ lines }, () => lines.forEach(print))
			})
		})
}

/** With --json a followed log is one JSON object a line. A terminal gets no control characters of the container. */
function printer({ json, terminal }: Cli, { timestamps }: LogsOptions, numbered: boolean): (line: LogLine) => void {
	const clean = process.stdout.isTTY ? plain : (text: string) => text
	return (line) => {
		if (json) return terminal.out(JSON.stringify(line))
		const replica = numbered ? `[${line.replica}] ` : ''
		terminal.out(`${timestamps ? `${line.at} ` : ''}${replica}${clean(line.text)}`)
	}
}
