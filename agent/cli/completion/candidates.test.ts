import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { createProgram } from '../program.ts'
import type { Terminal } from '../terminal.ts'
import { candidates } from './candidates.ts'
import { SCRIPTS } from './scripts.ts'

const silent: Terminal = {
	out: () => undefined,
	notice: () => undefined,
	draw: () => undefined,
	live: false,
	columns: 80,
	rows: 24,
	interactive: false,
	confirm: async () => false,
	ask: async () => '',
	askSecret: async () => '',
}
const names = { workloads: async () => ['db', 'web', 'worker'], nodes: async () => ['atlas', 'heron'] }
const complete = (line: string) => candidates(createProgram(silent), line.split(' '), names)

describe('candidates', () => {
	it.each([
		['sta', ['start']],
		['logs w', ['web', 'worker']],
		['logs web ', []],
		['--json logs d', ['db']],
		['--home /x get d', ['db']],
		['deploy ', []],
		['deploy web --node h', ['heron']],
		['deploy web --no', ['--node']],
		['nodes remove a', ['atlas']],
		['completion ', ['bash', 'zsh', 'fish']],
		['complet', ['completion']],
		['logs web --fo', ['--follow']],
	])('%j offers %j', async (line, offered) => {
		expect(await complete(line)).toEqual(offered)
	})

	it('offers every command and no hidden one', async () => {
		const offered = await complete('')
		expect(offered).toEqual(expect.arrayContaining(['up', 'deploy', 'join', 'doctor']))
		expect(offered).not.toContain('complete')
	})
})

it('bash takes its script and asks with the words so far', () => {
	const script = `lattice() { printf '%s\\n' "$@"; }
${SCRIPTS.bash}
COMP_WORDS=(lattice logs 'we'); COMP_CWORD=2; _lattice; printf '%s|' "\${COMPREPLY[@]}"`
	const output = execFileSync('bash', ['-c', script], { encoding: 'utf8' })
	expect(output).toBe('complete|--|logs|we|')
})
