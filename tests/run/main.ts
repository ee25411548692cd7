import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureImages } from '../fixtures/build.ts'
import { isProject, needsBrowser, needsLab, PROJECTS, type Project, Runner } from './projects.ts'
import { lastLine, noTests, type Outcome } from './report.ts'
import { ensureRequirements } from './requirements.ts'

const USAGE = `usage: ./lattice test [${PROJECTS.join('|')} …] [-- FILTER OR OPTION OF VITEST …]`

const say = (line: string) => process.stderr.write(`${line}\n`)

/** null: wrong usage */
function parse(words: readonly string[]): { projects: Project[]; filters: string[] } | null {
	const separator = words.indexOf('--')
	// --yes is for the bootstrap; whoever runs tests has agreed to what they install
	const names = (separator === -1 ? words : words.slice(0, separator)).filter((word) => word !== '--yes')
	if (!names.every(isProject)) return null
	// always in the same order, the fastest first
	const projects = PROJECTS.filter((project) => names.length === 0 || names.includes(project))
	return { projects, filters: separator === -1 ? [] : words.slice(separator + 1) }
}

async function runAll(projects: readonly Project[], runner: Runner): Promise<Outcome[]> {
	const outcomes: Outcome[] = []
	for (const project of projects) {
		const started = performance.now()
		say(`── ${project}`)
		const outcome = await runner.run(project)
		outcomes.push(outcome)
		const seconds = Math.round((performance.now() - started) / 1000)
		say(outcome.files === 0 ? `── ${project}: no test files` : `── ${lastLine([outcome])} in ${seconds} s (${project})`)
	}
	return outcomes
}

async function main(): Promise<number> {
	const wanted = parse(process.argv.slice(2))
	if (wanted === null) {
		say(USAGE)
		return 2
	}
	const { projects, filters } = wanted
	// where Debian keeps programs of root, and `su` does not look
	process.env.PATH = `${process.env.PATH}:/usr/sbin:/sbin`
	ensureRequirements({ lab: projects.some(needsLab), browser: projects.some(needsBrowser) }, say)

	const reports = await mkdtemp(join(tmpdir(), 'lattice-reports-'))
	const runner = new Runner({ reports, filters })
	try {
		if (projects.some(needsLab)) await ensureImages(say)
		const outcomes = await Promise.race([runAll(projects, runner), interruption()])
		if (outcomes.every((outcome) => outcome.files === 0)) outcomes.push(noTests(filters))
		const failures = outcomes.flatMap((outcome) => outcome.failures)
		for (const failure of failures) console.log(`failed: ${failure}`)
		console.log(lastLine(outcomes))
		return failures.length === 0 ? 0 : 1
	} finally {
		await runner.abort()
		await rm(reports, { recursive: true, force: true })
	}
}

function interruption(): Promise<never> {
	return new Promise((_, reject) => {
		for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
			process.once(signal, () => reject(new Error(`${signal}: the tests were ended`)))
		}
	})
}

try {
	process.exitCode = await main()
} catch (error) {
	say(`error: ${error instanceof Error ? error.message : String(error)}`)
	console.log('0 passed, 1 failed')
	process.exitCode = 1
}
