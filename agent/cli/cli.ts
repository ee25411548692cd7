import type { Command } from 'commander'
import type { LatticeError } from '../protocol/index.ts'
import { type Home, homeAt } from './home.ts'
import type { Terminal } from './terminal.ts'

/** What a command may use: the person's terminal, the home, and how answers shall look. */
export interface Cli {
	terminal: Terminal
	home: Home
	json: boolean
	/**
	 * One JSON document on stdout with --json, else what `render` prints. Then `failure`, when the answer is one, is
	 * thrown; with --json it is the one document.
	 */
	answer(value: unknown, render: () => void, failure?: LatticeError | null): void
}

/** Each command file adds itself to the program. */
export type Register = (program: Command, open: OpenCli) => void
/** Global options may stand before or after the command, so they are read when it runs. */
export type OpenCli = (command: Command) => Cli

export function openCli(terminal: Terminal): OpenCli {
	return (command) => {
		const options = command.optsWithGlobals<{ home?: string; json?: boolean }>()
		const json = options.json === true
		return {
			terminal,
			home: homeAt(options.home ?? process.env.LATTICE_HOME),
			json,
			answer(value, render, failure) {
				if (!json) render()
				else if (!failure) terminal.out(JSON.stringify(value, null, 2))
				if (failure) throw failure
			},
		}
	}
}
