import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { LatticeError } from '../protocol/index.ts'

/** Where the CLI talks to a person or a script: results on stdout, everything else on stderr. */
export interface Terminal {
	/** one line of result */
	out(line: string): void
	/** one line for people: progress, warnings, hints */
	notice(line: string): void
	/** no newline is added; for a bar that redraws itself */
	draw(text: string): void
	/** stderr is a terminal: bars and colours make sense */
	readonly live: boolean
	readonly columns: number
	readonly rows: number
	/** false when nobody is there to answer */
	readonly interactive: boolean
	confirm(question: string): Promise<boolean>
	ask(question: string): Promise<string>
	/** without echo */
	askSecret(question: string): Promise<string>
}

export function processTerminal(): Terminal {
	// A reader that left (`lattice list | head -1`) is no failure of ours.
	for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreBrokenPipe)
	return {
		out: (line) => void process.stdout.write(`${line}\n`),
		notice: (line) => void process.stderr.write(`${line}\n`),
		draw: (text) => void process.stderr.write(text),
		get live() {
			return process.stderr.isTTY === true && process.env.TERM !== 'dumb'
		},
		get columns() {
			return process.stderr.columns ?? 80
		},
		get rows() {
			return process.stderr.rows ?? 24
		},
		get interactive() {
			return process.stdin.isTTY === true && process.stderr.isTTY === true
		},
		confirm: async (question) => /^y(es)?$/i.test((await prompt(`${question} [y/N] `, process.stderr)).trim()),
		ask: (question) => prompt(question, process.stderr),
		askSecret,
	}
}

async function prompt(question: string, output: NodeJS.WritableStream): Promise<string> {
	if (!process.stdin.isTTY)
		throw new LatticeError('INVALID_INPUT', `There is no terminal to ask on: ${question.trim()}`)
	const reader = createInterface({ input: process.stdin, output, terminal: true })
	const cancel = new AbortController()
	reader.once('SIGINT', () => cancel.abort())
	reader.once('close', () => cancel.abort())
	try {
		return await reader.question(question, { signal: cancel.signal })
	} catch (cause) {
		throw new LatticeError('CANCELLED', 'Cancelled.', {}, { cause })
	} finally {
		reader.close()
	}
}

/** readline edits the line as usual; what it would echo goes nowhere. */
async function askSecret(question: string): Promise<string> {
	process.stderr.write(question)
	const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
	try {
		return await prompt('', nowhere)
	} finally {
		process.stderr.write('\n')
	}
}

function ignoreBrokenPipe(error: NodeJS.ErrnoException): void {
	if (error.code !== 'EPIPE') throw error
}
