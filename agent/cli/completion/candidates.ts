import type { Argument, Command, Option } from 'commander'

/** Names that only the lattice knows. */
export interface Names {
	workloads(): Promise<string[]>
	nodes(): Promise<string[]>
}

/** Options whose value is a node's name; all others of that kind are found by what they are. */
const NODE_OPTIONS: ReadonlySet<string> = new Set(['--node'])
/** Descriptions of arguments that name something that exists (see the commands). */
const WORKLOAD_ARGUMENT = 'name or id'
const NODE_ARGUMENT = 'name or peer id'

/**
 * What may stand where the last of `words` stands (it may be empty), for every shell alike. An empty list leaves the
 * word to the shell, which offers files.
 */
export async function candidates(program: Command, words: readonly string[], names: Names): Promise<string[]> {
	const current = words.at(-1) ?? ''
	const { command, positional, waiting } = walk(program, words.slice(0, -1))
	const offered = waiting
		? await valuesOf(waiting, names)
		: current.startsWith('-')
			? optionsOf(command)
			: [...subcommandsOf(command, positional), ...(await argumentsOf(command.registeredArguments[positional], names))]
	return offered.filter((word) => word.startsWith(current))
}

interface Place {
	command: Command
	/** how many arguments stand before */
	positional: number
	/** the option that the next word is the value of */
	waiting: Option | null
}

function walk(program: Command, words: readonly string[]): Place {
	const place: Place = { command: program, positional: 0, waiting: null }
	for (const word of words) {
		if (place.waiting) {
			place.waiting = null
		} else if (word.startsWith('-')) {
			place.waiting = awaits(place.command, word)
		} else {
			const sub = place.positional === 0 ? visible(place.command).find((one) => namesOf(one).includes(word)) : undefined
			if (sub) place.command = sub
			else place.positional++
		}
	}
	return place
}

function awaits(command: Command, word: string): Option | null {
	if (word.includes('=')) return null
	const option = allOptions(command).find(({ long, short }) => word === long || word === short)
	return option?.required ? option : null
}

function allOptions(command: Command): Option[] {
	return [...command.options, ...(command.parent ? allOptions(command.parent) : [])]
}

function optionsOf(command: Command): string[] {
	const long = allOptions(command).flatMap((option) => (option.hidden || !option.long ? [] : [option.long]))
	return [...new Set([...long, '--help'])]
}

function visible(command: Command): Command[] {
	return command.createHelp().visibleCommands(command)
}

const namesOf = (command: Command) => [command.name(), ...command.aliases()]

function subcommandsOf(command: Command, positional: number): string[] {
	return positional > 0 ? [] : visible(command).map((one) => one.name())
}

async function valuesOf(option: Option, names: Names): Promise<string[]> {
	if (option.argChoices) return option.argChoices
	return option.long && NODE_OPTIONS.has(option.long) ? names.nodes() : []
}

async function argumentsOf(argument: Argument | undefined, names: Names): Promise<string[]> {
	if (argument?.argChoices) return argument.argChoices
	if (argument?.description === WORKLOAD_ARGUMENT) return names.workloads()
	return argument?.description === NODE_ARGUMENT ? names.nodes() : []
}
