import type { Command } from 'commander'
import type { Cli } from '../cli.ts'
import { connectLattice, type Target } from '../client/connect.ts'
import type { Lattice } from '../client/lattice.ts'
import { httpUrl } from '../options.ts'

/** A command that asks the lattice: it may name the console or the agent that shall answer. */
export function clientCommand(program: Command, name: string, description: string): Command {
	return program
		.command(name)
		.description(description)
		.option('--console <url>', 'ask this console (LATTICE_URL; default: where you logged in)', httpUrl)
		.option('--agent <url>', 'ask this agent instead (LATTICE_AGENT)', httpUrl)
}

/** Opens the way to the lattice for one piece of work; Ctrl-C aborts `signal`, and the way is closed at the end. */
export async function withLattice(
	cli: Cli,
	target: Target,
	work: (lattice: Lattice, signal: AbortSignal) => Promise<void>,
): Promise<void> {
	const abort = new AbortController()
	const onInterrupt = () => abort.abort()
	process.once('SIGINT', onInterrupt)
	const lattice = await connectLattice(cli.home, target, cli.terminal.notice)
	try {
		await work(lattice, abort.signal)
	} finally {
		process.off('SIGINT', onInterrupt)
		await lattice.close()
	}
}
