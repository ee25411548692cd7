import { type ChildProcess, spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeGroup, members, removeGroups } from '../lab/cgroup.ts'
import { killAll } from '../lab/host.ts'
import { createLab } from '../lab/lab.ts'
import { joining } from '../lab/namespaces.ts'
import { removeAbandoned } from '../lab/teardown.ts'
import { type Outcome, outcomeOf, readReport } from './report.ts'
import { chromium, postgresPrograms } from './requirements.ts'

export const PROJECTS = ['unit', 'integration', 'e2e', 'cluster'] as const
export type Project = (typeof PROJECTS)[number]

export const isProject = (word: string): word is Project => PROJECTS.some((project) => project === word)
export const needsLab = (project: Project) => project !== 'unit'
export const needsBrowser = (project: Project) => project === 'e2e'

const ROOT = join(import.meta.dirname, '../..')

/** One vitest: a project, or some of its files. */
export interface Job {
	name: string
	project: Project
	argv: readonly string[]
}

/** Its files, and into how many jobs they are divided so that none is waited for at the end. */
const PARTS: Record<Project, { files: readonly string[]; jobs: number }> = {
	unit: { files: [], jobs: 1 },
	integration: {
		files: ['agent/**/*.engine.test.ts', 'tests/**/*.engine.test.ts', 'tests/integration/*.test.ts'],
		jobs: 4,
	},
	e2e: { files: ['tests/e2e/*.test.ts'], jobs: 2 },
	cluster: { files: ['tests/cluster/*.test.ts'], jobs: 3 },
}

/** With filters nothing is divided: few files are asked for. */
export function jobsOf(projects: readonly Project[], filters: readonly string[]): Job[] {
	return projects.flatMap((project): Job[] => {
		const { files, jobs } = PARTS[project]
		if (jobs === 1 || filters.length > 0) return [{ name: project, project, argv: filters }]
		return deal(globSync(files, { cwd: ROOT }), jobs).map((argv, index) => ({
			name: `${project}-${index + 1}`,
			project,
			argv,
		}))
	})
}

/** Like cards, the longest file first; lines are a fair guess of its time. */
function deal(files: readonly string[], hands: number): string[][] {
	const lines = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8').split('\n').length]))
	const byLength = [...files].sort((a, b) => (lines.get(b) ?? 0) - (lines.get(a) ?? 0) || a.localeCompare(b))
	return Array.from({ length: hands }, (_, hand) => byLength.filter((_, index) => index % hands === hand))
}

/** A vitest that runs, and how everything it started is ended. */
interface Place {
	child: ChildProcess
	end(): Promise<void>
}

/** Runs vitest for one job, each where it belongs, and ends all of it. */
export class Runner {
	readonly #reports: string
	readonly #places = new Set<Place>()
	#stopped = false

	constructor(options: { reports: string }) {
		this.#reports = options.reports
	}

	async run({ name, project, argv }: Job): Promise<Outcome> {
		const report = join(this.#reports, `${name}.json`)
		const place = await PLACES[project]([
			...[process.execPath, join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--project', project],
			...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`, '--passWithNoTests'],
			...argv,
		])
		this.#places.add(place)
		if (this.#stopped) await place.end()
		const code = await exitCode(place.child)
		this.#places.delete(place)
		await place.end()
		return outcomeOf(project, await readReport(report), code)
	}

	/** Ends what runs and lets nothing new run. */
	async abort(): Promise<void> {
		this.#stopped = true
		await Promise.all([...this.#places].map((place) => place.end()))
	}
}

/** A process group of its own: Ctrl-C ends this process in order, and it ends the others. */
const OPTIONS = { stdio: 'inherit', detached: true, cwd: ROOT } as const

const PLACES: Record<Project, (argv: string[]) => Promise<Place>> = {
	unit: besideUs,
	integration: inHost,
	e2e: inHost,
	cluster: inEmptyNetwork,
}

/** Needs no root, so no control group holds it: vitest is asked to end its workers, which leave its process group. */
async function besideUs(argv: string[]): Promise<Place> {
	const [file = '', ...args] = argv
	const child = spawn(file, args, { ...OPTIONS, env: { ...process.env, ...environment() } })
	return {
		child,
		async end() {
			if (child.exitCode !== null || child.signalCode !== null) return
			child.kill('SIGTERM')
			const patience = setTimeout(() => child.kill('SIGKILL'), 5000)
			await exitCode(child)
			clearTimeout(patience)
		},
	}
}

/** In one host of a lab, where every port is free, the engine is at its usual place and nothing of ours is reached. */
async function inHost(argv: string[]): Promise<Place> {
	const lab = await createLab({ hosts: 1 })
	const child = lab.host('h1').spawn(argv, { ...OPTIONS, env: environment() })
	return { child, end: () => lab.down() }
}

let networks = 0

/** From which the labs of the tests hang, so that they plug nothing into the machine's own network. */
async function inEmptyNetwork(argv: string[]): Promise<Place> {
	const name = `run${process.pid}-${++networks}`
	const group = await makeGroup(name, 'cluster')
	const withLoopback = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...argv]
	const [file = '', ...args] = joining(group, withLoopback)
	const child = spawn(file, args, { ...OPTIONS, env: { ...process.env, ...environment() } })
	return {
		child,
		async end() {
			await killAll(() => members(name), 'the cluster tests')
			await removeGroups(name)
			await removeAbandoned()
		},
	}
}

function exitCode(child: ChildProcess): Promise<number> {
	if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode ?? 1)
	return new Promise((resolve, reject) => {
		child.once('error', reject)
		child.once('exit', (code) => resolve(code ?? 1))
	})
}

function environment(): Record<string, string> {
	const browser = chromium()
	const postgres = postgresPrograms()
	return {
		...(browser !== null && { CHROMIUM: browser }),
		...(postgres !== null && { LATTICE_TEST_PG_BIN: postgres }),
	}
}
