import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { serviceWords } from './install.ts'
import { environmentText, unitText } from './unit.ts'

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0

describe('the systemd unit', () => {
	it('quotes what systemd would expand', () => {
		const text = unitText({
			description: '100% yours',
			command: ['/opt/a b/lattice', 'up', '--name', 'x"y\\z', '$HOME', '%h'],
			environmentFile: '/root/.lattice/service.env',
			scope: 'system',
		})
		expect(text).toContain('Description=100%% yours\n')
		expect(text).toContain('ExecStart="/opt/a b/lattice" "up" "--name" "x\\"y\\\\z" "$$HOME" "%%h"\n')
	})

	it.skipIf(!hasSystemd)('is one that systemd takes', () => {
		const folder = mkdtempSync(join(tmpdir(), 'lattice-unit-'))
		try {
			const program = join(folder, 'lattice')
			writeFileSync(program, '#!/bin/sh\n')
			chmodSync(program, 0o755)
			const unit = join(folder, 'lattice-test.service')
			const command = [program, 'up', '--name', 'a "b" $c %d', '--home', folder]
			const options = { description: 'test', command, environmentFile: join(folder, 'none.env') }
			for (const scope of ['system', 'user'] as const) {
				writeFileSync(unit, unitText({ ...options, scope }))
				const said = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8' })
				expect(said.stderr.split('\n').filter((line) => line.includes('lattice-test'))).toEqual([])
			}
		} finally {
			rmSync(folder, { recursive: true, force: true })
		}
	})

	it('keeps values of the environment as they are', () => {
		const value = 'postgresql://u:p$w"x`y\\z@h/d'
		const text = environmentText({ DATABASE_URL: value })
		// systemd.exec(5): in double quotes, backslash escapes as in a POSIX shell
		expect(execFileSync('sh', ['-c', `${text}printf %s "$DATABASE_URL"`], { encoding: 'utf8' })).toBe(value)
	})
})

describe('the command of the service', () => {
	it.each([
		[
			['up', '--install', '--port', '80'],
			['up', '--port', '80'],
		],
		[['--home', 'x', 'up', '--yes', '--install'], ['up']],
		[
			['agent', '--home=rel', '--install', '--gateway'],
			['agent', '--gateway'],
		],
	])('%j', (words, kept) => {
		expect(serviceWords(words, '/abs')).toEqual([...kept, '--yes', '--home', '/abs'])
	})
})
