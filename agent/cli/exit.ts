import { CommanderError } from 'commander'
import { LatticeError } from '../protocol/index.ts'

/** 0 ok, 1 failed, 2 wrong usage: a value that can never be right, whoever finds it out. */
export function exitCodeOf(failure: LatticeError): 1 | 2 {
	return failure.code === 'INVALID_INPUT' ? 2 : 1
}

/** Any thrown value as what the CLI prints. Here the person owns the machine, so an unknown cause is shown. */
export function failureOf(thrown: unknown): LatticeError {
	if (thrown instanceof CommanderError) {
		const message = thrown.code === 'commander.help' ? 'Name a command (they are listed above).' : thrown.message
		return new LatticeError('INVALID_INPUT', sentence(message), { usage: true })
	}
	const failure = LatticeError.from(thrown)
	if (failure === thrown || failure.code !== 'INTERNAL') return failure
	const message = thrown instanceof Error ? thrown.message : String(thrown)
	return new LatticeError('INTERNAL', message, {}, { cause: thrown })
}

/** Commander writes `error: unknown command 'x'\n(Did you mean y?)`. */
function sentence(message: string): string {
	const [what = '', hint] = message.replace(/^error: /, '').split(/\n\((.*)\)$/s)
	const whole = /[.!?]$/.test(what) ? what : `${what}.`
	return `${whole.charAt(0).toUpperCase()}${whole.slice(1)}${hint ? ` ${hint}` : ''}`
}
