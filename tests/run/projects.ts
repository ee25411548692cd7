import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createLab, type Lab } from '../lab/lab.ts'
import { type Outcome, outcomeOf, readReport } from './report.ts'
import { chromium, postgresPrograms } from './requirements.ts'

export const PROJECTS = ['unit', 'integration', 'e2e', 'cluster'] as const
export type Project = (typeof PROJECTS)[number]

export const isProject = (word: string): word is Project => PROJECTS.some((project) => project === word)
export const needsLab = (project: Project) => project !== 'unit'
export const needsBrowser = (project: Project) => project === 'e2e'

const ROOT = join(import.meta.dirname, '../..')

/** Runs vitest for one project at a time, each where it belongs, and ends all of it. */
export class Runner {
	readonly #reports: string
	readonly #filters: readonly string[]
	#single: Lab | null = null
	#current: ChildProcess | null = null

	constructor(options: { reports: string; filters: readonly string[] }) {
		this.#reports = options.reports
		this.#filters = options.filters
	}

	async run(project: Project): Promise<Outcome> {
		const report = join(this.#reports, `${project}.json`)
		const argv = [
			...[process.execPath, join(ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--project', project],
			...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`, '--passWithNoTests'],
			...this.#filters,
		]
		const child = await this.#place(project, argv)
		this.#current = child
		const code = await new Promise<number>((resolve, reject) => {
			child.once('error', reject)
			child.once('exit', (exit) => resolve(exit ?? 1))
		})
		this.#endGroup(child, 'SIGKILL')
		this.#current = null
		return outcomeOf(project, await readReport(report), code)
	}

	/** Ends whatever runs; safe to repeat. */
	async stop(): Promise<void> {
		if (this.#current) this.#endGroup(this.#current, 'SIGKILL')
		const single = this.#single
		this.#single = null
		await single?.down()
	}

	/**
	 * unit: right here. integration and e2e: inside one host of a lab, where every port is free, the engine is at its
	 * usual place and nothing of this machine is reached. cluster: in an empty network, from which its labs hang.
	 */
	async #place(project: Project, argv: readonly string[]): Promise<ChildProcess> {
		// a process group of its own: Ctrl-C ends this process in order, and it ends the others
		const options = { stdio: 'inherit', detached: true, cwd: ROOT } as const
		if (project === 'integration' || project === 'e2e') {
			this.#single ??= await createLab({ hosts: 1 })
			return this.#single.host('h1').spawn(argv, { ...options, env: environment() })
		}
		const env = { ...process.env, ...environment() }
		if (project === 'unit') return spawn(argv[0] ?? '', argv.slice(1), { ...options, env })
		const inNetwork = ['--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...argv]
		return spawn('unshare', inNetwork, { ...options, env })
	}

	#endGroup(leader: ChildProcess, signal: NodeJS.Signals): void {
		if (leader.pid === undefined) return
		try {
			process.kill(-leader.pid, signal)
		} catch (error) {
			// nobody of it is left
			if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
		}
	}
}

function environment(): Record<string, string> {
	const browser = chromium()
	const postgres = postgresPrograms()
	return {
		...(browser !== null && { CHROMIUM: browser }),
		...(postgres !== null && { LATTICE_TEST_PG_BIN: postgres }),
	}
}
