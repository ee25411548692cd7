import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureImages } from '../fixtures/build.ts'
import { isProject, type Job, jobsOf, needsBrowser, needsLab, PROJECTS, type Project, Runner } from './projects.ts'
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

async function runOne(job: Job, runner: Runner): Promise<Outcome> {
	const started = performance.now()
	say(`── ${job.name}`)
	const outcome = await runner.run(job)
	const seconds = Math.round((performance.now() - started) / 1000)
	const nothing = outcome.files === 0 && outcome.failures.length === 0
	const what = nothing ? `${job.name}: no test files` : lastLine([outcome])
	say(`── ${what} in ${seconds} s (${job.name})`)
	return outcome
}

/**
 * Unit tests fill every core, so they come first and alone. The others wait for engines, clocks and pages half of their
 * time: two run at once, each in a lab of its own, so that they share nothing but the cores (with three, browsers
 * missed their deadlines).
 */
async function runAll(jobs: readonly Job[], runner: Runner): Promise<Outcome[]> {
	const outcomes: Outcome[] = []
	const waiting = [...jobs]
	if (waiting[0]?.project === 'unit') outcomes.push(await runOne(waiting.shift() as Job, runner))
	const worker = async () => {
		for (let job = waiting.shift(); job; job = waiting.shift()) outcomes.push(await runOne(job, runner))
	}
	await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker))
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
	const runner = new Runner({ reports })
	try {
		if (projects.some(needsLab)) await ensureImages(say)
		const outcomes = await Promise.race([runAll(jobsOf(projects, filters), runner), interruption()])
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
