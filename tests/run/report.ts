import { readFile } from 'node:fs/promises'
import { z } from 'zod'

/** The part that is read of `vitest --reporter=json`. */
const VitestReport = z.object({
	testResults: z.array(
		z.object({
			name: z.string(),
			status: z.string(),
			message: z.string().optional(),
			assertionResults: z.array(z.object({ fullName: z.string(), status: z.string() })),
		}),
	),
})
export type VitestReport = z.infer<typeof VitestReport>

export interface Outcome {
	project: string
	files: number
	passed: number
	skipped: number
	/** a sentence for each */
	failures: string[]
}

/**
 * Every way to fail counts: a test, a file that cannot be loaded, an error outside tests, a run without a report, and
 * files that hold no test that ran.
 */
export function outcomeOf(project: string, report: VitestReport | null, exitCode: number): Outcome {
	const outcome: Outcome = { project, files: report?.testResults.length ?? 0, passed: 0, skipped: 0, failures: [] }
	if (report === null) {
		outcome.failures.push(`${project}: vitest ended with ${exitCode} and left no report`)
		return outcome
	}
	for (const file of report.testResults) {
		const failed = file.assertionResults.filter(({ status }) => status === 'failed')
		outcome.failures.push(...failed.map(({ fullName }) => `${project}: ${file.name}: ${fullName}`))
		if (file.status === 'failed' && failed.length === 0) {
			outcome.failures.push(`${project}: ${file.name}: ${file.message?.split('\n')[0] || 'cannot be loaded'}`)
		}
		outcome.passed += file.assertionResults.filter(({ status }) => status === 'passed').length
	}
	const tests = report.testResults.flatMap((file) => file.assertionResults)
	outcome.skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed').length
	if (outcome.failures.length === 0 && outcome.files > 0 && outcome.passed === 0) {
		outcome.failures.push(`${project}: none of the tests in its ${outcome.files} files ran`)
	}
	if (outcome.failures.length === 0 && exitCode !== 0) {
		outcome.failures.push(`${project}: an error outside of the tests (exit code ${exitCode}, see above)`)
	}
	return outcome
}

/** A run that tests nothing must not look like success. */
export function noTests(filters: readonly string[]): Outcome {
	return { project: 'all', files: 0, passed: 0, skipped: 0, failures: [`no test matches ${filters.join(' ')}`] }
}

export async function readReport(file: string): Promise<VitestReport | null> {
	try {
		return VitestReport.parse(JSON.parse(await readFile(file, 'utf8')))
	} catch (error) {
		if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
		throw error
	}
}

/** The last line of `./lattice test`; scripts read it. */
export function lastLine(outcomes: readonly Outcome[]): string {
	const sum = (count: (outcome: Outcome) => number) => outcomes.reduce((total, outcome) => total + count(outcome), 0)
	const skipped = sum((outcome) => outcome.skipped)
	const line = `${sum((outcome) => outcome.passed)} passed, ${sum((outcome) => outcome.failures.length)} failed`
	return skipped > 0 ? `${line}, ${skipped} skipped` : line
}
