import { setTimeout as delay } from 'node:timers/promises'
import { LatticeError } from '../../protocol/index.ts'
import type { Register } from '../cli.ts'
import type { Target } from '../client/connect.ts'
import type { Lattice } from '../client/lattice.ts'
import { seconds } from '../options.ts'
import type { Terminal } from '../terminal.ts'
import { topFrame } from '../top/frame.ts'
import { clientCommand, withLattice } from './client-command.ts'

interface TopOptions extends Target {
	every: number
	once: boolean
}

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'
const HOME = '\u001b[H'
const CLEAR_LINE = '\u001b[K'
const CLEAR_BELOW = '\u001b[J'

export const registerTop: Register = (program, open) => {
	clientCommand(program, 'top', 'machines and workloads with what they use, live')
		.option('--every <time>', 'between two looks', seconds, 2)
		.option('--once', 'print one look and end', false)
		.action((options: TopOptions, command) => {
			const cli = open(command)
			const { terminal } = cli
			return withLattice(cli, options, async (lattice, signal) => {
				if (cli.json || options.once || !terminal.live) {
					const seen = await look(lattice)
					return cli.answer(seen, () =>
						topFrame(seen, { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY }).forEach(terminal.out),
					)
				}
				terminal.draw(ENTER)
				try {
					while (!signal.aborted) {
						terminal.draw(`${HOME}${(await lines(lattice, terminal)).join(`${CLEAR_LINE}\n`)}${CLEAR_BELOW}`)
						await delay(options.every * 1000, null, { signal }).catch(() => null)
					}
				} finally {
					terminal.draw(LEAVE)
				}
			})
		})
}

async function look(lattice: Lattice) {
	const [nodes, workloads, usage] = await Promise.all([lattice.nodes(), lattice.list(), lattice.usage()])
	return { nodes, workloads, usage }
}

/** A console that restarts is said on the screen, and asked again: who watches wants to see it return. */
async function lines(lattice: Lattice, { columns, rows }: Terminal): Promise<string[]> {
	try {
		return topFrame(await look(lattice), { columns, rows })
	} catch (error) {
		const { code, message } = LatticeError.from(error)
		if (code === 'UNAUTHENTICATED' || code === 'INTERNAL') throw error
		return [`${code}: ${message}`]
	}
}
