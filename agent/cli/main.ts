import { CommanderError } from 'commander'
import { exitCodeOf, failureOf } from './exit.ts'
import { createProgram } from './program.ts'
import { processTerminal } from './terminal.ts'

const terminal = processTerminal()
const json = process.argv.includes('--json')

try {
	await createProgram(terminal).parseAsync(process.argv)
} catch (thrown) {
	if (thrown instanceof CommanderError && thrown.exitCode === 0) {
		process.exitCode = 0 // --help and --version end this way
	} else {
		const failure = failureOf(thrown)
		if (json) terminal.out(JSON.stringify({ error: failure.toJSON() }))
		terminal.notice(`error ${failure.code}: ${failure.message}`)
		if (failure.code === 'INTERNAL' && failure.cause instanceof Error) terminal.notice(failure.cause.stack ?? '')
		process.exitCode = exitCodeOf(failure)
	}
}
