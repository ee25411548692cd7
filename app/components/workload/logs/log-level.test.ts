import { describe, expect, it } from 'vitest'
import { isAtLeast, levelOf } from './log-level.ts'

describe('the level of a line', () => {
	it.each([
		['{"level":50,"msg":"x"}', 'error'],
		['{"time":1,"level":"warn","msg":"an ERROR in prose"}', 'warning'],
		['time=2026 level=info msg="x"', 'info'],
		['2026-11-25 03:00:00.000 UTC [1] FATAL:  the database is starting up', 'error'],
		['2026-11-25 03:00:00.000 UTC [1] LOG:  checkpoint starting', 'info'],
		['2026/11/25 [warn] 1#1: conflicting server name', 'warning'],
		['ERROR 2026 something', 'error'],
		['warning: unused variable', 'warning'],
		['    at Object.<anonymous> (/app/index.js:1:1)', 'error'],
		['TypeError: x is not a function', 'error'],
		['Traceback (most recent call last):', 'error'],
		['GET /errors 200 the word error is here', null],
		['Information about nothing', null],
		['', null],
	])('%j is %j', (text, level) => {
		expect(levelOf(text)).toBe(level)
	})

	it('is not looked for far into a line', () => {
		expect(levelOf(`${'x '.repeat(200)} ERROR`)).toBeNull()
	})

	it('unknown ones are shown with info', () => {
		expect(isAtLeast(null, 'info')).toBe(true)
		expect(isAtLeast(null, 'warning')).toBe(false)
		expect(isAtLeast('error', 'warning')).toBe(true)
		expect(isAtLeast('debug', 'info')).toBe(false)
	})
})
