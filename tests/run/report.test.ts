import { describe, expect, it } from 'vitest'
import { lastLine, noTests, outcomeOf, type VitestReport } from './report.ts'

function report(...files: { status?: string; message?: string; tests: string[] }[]): VitestReport {
	return {
		testResults: files.map(({ status = 'passed', message = '', tests }, index) => ({
			name: `/repo/file-${index}.test.ts`,
			status,
			message,
			assertionResults: tests.map((result, number) => ({ fullName: `test ${number}`, status: result })),
		})),
	}
}

describe('outcome of a run', () => {
	it('counts tests over files, todo and skipped ones apart', () => {
		const outcome = outcomeOf('unit', report({ tests: ['passed', 'skipped'] }, { tests: ['passed', 'todo'] }), 0)
		expect(outcome).toEqual({ project: 'unit', files: 2, passed: 2, skipped: 2, failures: [] })
	})

	it('names every failed test', () => {
		const outcome = outcomeOf('unit', report({ status: 'failed', tests: ['failed', 'passed', 'failed'] }), 1)
		expect(outcome.failures).toEqual(['unit: /repo/file-0.test.ts: test 0', 'unit: /repo/file-0.test.ts: test 2'])
	})

	it.each([
		[
			'a file that cannot be loaded',
			report({ status: 'failed', message: 'SyntaxError: x\n at y', tests: [] }),
			1,
			'SyntaxError: x',
		],
		['an error outside of tests', report({ tests: ['passed'] }), 1, 'outside of the tests'],
		['a run without a report', null, 137, 'left no report'],
		['files of which no test ran', report({ tests: ['skipped'] }), 0, 'none of the tests'],
	])('counts %s as one failure', (_what, written, exitCode, sentence) => {
		const { failures } = outcomeOf('e2e', written, exitCode)
		expect(failures).toHaveLength(1)
		expect(failures[0]).toContain(sentence)
	})

	it('has nothing against a project without test files', () => {
		expect(outcomeOf('cluster', report(), 0).failures).toEqual([])
	})
})

describe('last line', () => {
	const passed = outcomeOf('unit', report({ tests: ['passed', 'passed'] }), 0)

	it('adds the projects up', () => {
		const failed = outcomeOf('e2e', report({ status: 'failed', tests: ['failed', 'passed'] }), 1)
		expect(lastLine([passed, failed])).toBe('3 passed, 1 failed')
	})

	it('names skipped tests only when there are any', () => {
		expect(lastLine([passed])).toBe('2 passed, 0 failed')
		expect(lastLine([outcomeOf('unit', report({ tests: ['passed', 'skipped'] }), 0)])).toBe(
			'1 passed, 0 failed, 1 skipped',
		)
	})

	it('is a failure when no test matched', () => {
		expect(lastLine([noTests(['nowhere'])])).toBe('0 passed, 1 failed')
	})
})
