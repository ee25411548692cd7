import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { LogFile } from './log-file.ts'

let folder: string
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'lattice-log-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('keeps the newest lines within twice its cap', () => {
	const path = join(folder, 'logs', 'child.log')
	const log = new LogFile(path, 100)
	for (let line = 0; line < 50; line++) log.write(`line ${line}`)
	expect(statSync(path).size).toBeLessThanOrEqual(100)
	expect(statSync(`${path}.1`).size).toBeLessThanOrEqual(100)
	expect(readFileSync(path, 'utf8')).toMatch(/line 49\n$/)
	expect(statSync(path).mode & 0o777).toBe(0o600)
})

it('goes on where the last start ended', () => {
	const path = join(folder, 'child.log')
	new LogFile(path, 100).write('one')
	new LogFile(path, 100).write('two')
	expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n')
})
