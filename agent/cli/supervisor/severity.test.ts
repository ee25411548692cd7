import { describe, expect, it } from 'vitest'
import { worthShowing } from './severity.ts'

describe('what of a child reaches the terminal', () => {
	it.each([
		['{"level":30,"msg":"hello"}', 'stdout', 'pino', null],
		['{"level":40,"msg":"careful"}', 'stdout', 'pino', 'careful'],
		['{"level":50,"msg":"it broke","err":{"message":"why"}}', 'stdout', 'pino', 'it broke (why)'],
		['{"level":50,"msg":"why","err":{"message":"why"}}', 'stdout', 'pino', 'why'],
		['{"half', 'stderr', 'pino', '{"half'],
		['Error: crash before the logger', 'stderr', 'pino', 'Error: crash before the logger'],
		['', 'stderr', 'pino', null],
		['plain chatter', 'stdout', 'pino', null],
		['2026 UTC [1] LOG:  ready', 'stderr', 'postgres', null],
		['2026 UTC [1] ERROR:  duplicate key', 'stderr', 'postgres', null],
		['2026 UTC [1] FATAL:  no space', 'stderr', 'postgres', '2026 UTC [1] FATAL:  no space'],
	] as const)('%s', (line, stream, format, shown) => {
		expect(worthShowing(line, stream, format)).toBe(shown)
	})
})
