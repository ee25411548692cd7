import { EXEC_CHUNK_BYTES, type ExecInput, LatticeError } from '../../protocol/index.ts'
import type { Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import { findWorkload } from '../find-workload.ts'
import { wholeNumber } from '../options.ts'
import { clientCommand, withLattice } from './client-command.ts'

interface ExecCommandOptions extends Target {
	interactive: boolean
	tty: boolean
	replica?: number
}

export const registerExec: Register = (program, open) => {
	clientCommand(program, 'exec', 'run a program in a container of yours; its exit code is passed on')
		.argument('<name>', 'name or id')
		.argument('[command...]', 'after --: the program and its arguments (default: the shell)')
		.option('-i, --interactive', 'send it what is typed or piped here', false)
		.option('-t, --tty', 'give it a terminal', false)
		.option('--replica <n>', 'which one, of several', wholeNumber)
		.action((name: string, words: string[], options: ExecCommandOptions, command) => {
			const cli = open(command)
			return withLattice(cli, options, async (lattice, signal) => {
				const { id } = await findWorkload(lattice, name)
				const isShell = words.length === 0
				const tty = options.tty || (isShell && process.stdin.isTTY === true)
				if (tty && process.stdin.isTTY !== true) {
					throw new LatticeError('INVALID_INPUT', '-t: there is no terminal here to give it; leave it out.')
				}
				const input = options.interactive || isShell ? typed(tty) : nothing()
				const order = {
					id,
					replica: options.replica ?? null,
					command: words,
					tty,
					columns: process.stdout.columns ?? 80,
					rows: process.stdout.rows ?? 24,
				}
				try {
					for await (const frame of lattice.exec(order, input, signal)) {
						if (frame.type === 'data') {
							await print(
								frame.stream === 'stderr' ? process.stderr : process.stdout,
								Buffer.from(frame.data, 'base64'),
							)
						}
						if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
						if (frame.type === 'exit') {
							if (frame.reason !== null) cli.terminal.notice(`The program was ${frame.reason}.`)
							process.exitCode = frame.code ?? 1
						}
					}
				} finally {
					if (process.stdin.isTTY) process.stdin.setRawMode(false)
					// A read that waits for a key would keep this process.
					process.stdin.destroy()
				}
			})
		})
}

/** What is typed, byte by byte with a terminal (Ctrl-C is the program's), and the window's size when it changes. */
async function* typed(tty: boolean): AsyncGenerator<ExecInput> {
	const waiting: ExecInput[] = []
	let wake = (): void => undefined
	const push = (frame: ExecInput) => {
		waiting.push(frame)
		if (waiting.length > 64) process.stdin.pause()
		wake()
	}
	if (tty) {
		process.stdin.setRawMode(true)
		process.stdout.on('resize', () =>
			push({ type: 'resize', columns: process.stdout.columns, rows: process.stdout.rows }),
		)
	}
	process.stdin.on('data', (data: Buffer) => {
		for (let from = 0; from < data.length; from += EXEC_CHUNK_BYTES)
			push({ type: 'data', data: data.subarray(from, from + EXEC_CHUNK_BYTES).toString('base64') })
	})
	process.stdin.once('end', () => push({ type: 'end' }))
	for (;;) {
		const frame = waiting.shift()
		if (frame) {
			if (waiting.length < 32) process.stdin.resume()
			yield frame
			if (frame.type === 'end') return
		} else await new Promise<void>((resolve) => (wake = resolve))
	}
}

async function* nothing(): AsyncGenerator<ExecInput> {
	yield { type: 'end' }
}

function print(stream: NodeJS.WriteStream, data: Buffer): Promise<void> {
	return new Promise((resolve) => stream.write(data, () => resolve()))
}
