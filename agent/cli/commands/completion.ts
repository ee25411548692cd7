import { Argument } from 'commander'
import { LatticeError } from '../../protocol/index.ts'
import type { Cli, Register } from '../cli.ts'
import { connectLattice } from '../client/connect.ts'
import type { Lattice } from '../client/lattice.ts'
import { candidates, type Names } from '../completion/candidates.ts'
import { SCRIPTS, SHELLS, type Shell } from '../completion/scripts.ts'

/** A person waits for the Tab key; without names the commands and options are still offered. */
const NAMES_MS = 1_500

export const registerCompletion: Register = (program, open) => {
	program
		.command('completion')
		.description('print the completion script of a shell: source <(lattice completion bash)')
		.addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
		.action((shell: Shell, _options, command) => open(command).terminal.out(SCRIPTS[shell]))

	program
		.command('complete', { hidden: true })
		.argument('<words...>')
		.action(async (words: string[], _options, command) => {
			const cli = open(command)
			const offered = await candidates(program, words, namesOf(cli))
			for (const word of offered) cli.terminal.out(word)
			// A console that does not answer is given up by now; its socket would keep the shell waiting.
			process.exit(0)
		})
}

function namesOf(cli: Cli): Names {
	return {
		workloads: () => ask(cli, async (lattice) => (await lattice.list()).map(({ name }) => name)),
		nodes: () => ask(cli, async (lattice) => (await lattice.nodes()).map(({ name }) => name)),
	}
}

async function ask(cli: Cli, question: (lattice: Lattice) => Promise<string[]>): Promise<string[]> {
	const late = Promise.withResolvers<string[]>()
	const timer = setTimeout(() => late.resolve([]), NAMES_MS)
	try {
		return await Promise.race([late.promise, answer(cli, question)])
	} finally {
		clearTimeout(timer)
	}
}

async function answer(cli: Cli, question: (lattice: Lattice) => Promise<string[]>): Promise<string[]> {
	try {
		const lattice = await connectLattice(cli.home, {}, () => undefined)
		try {
			return await question(lattice)
		} finally {
			await lattice.close()
		}
	} catch (error) {
		// Not logged in, or nobody answers: there are no names to offer, and a shell has no place for the reason.
		if (error instanceof LatticeError) return []
		throw error
	}
}
