import { globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { jobsOf, PROJECTS, type Project } from './projects.ts'

const INCLUDED: [Project, string[]][] = [
	['integration', ['**/*.engine.test.ts', 'tests/integration/**/*.test.ts']],
	['e2e', ['tests/e2e/**/*.test.ts']],
	['cluster', ['tests/cluster/**/*.test.ts']],
]

describe('jobs', () => {
	it.each(INCLUDED)('run every file of %s once, in hands of about the same length', (project, patterns) => {
		const hands = jobsOf(PROJECTS, []).filter((job) => job.project === project)
		const options = { cwd: join(import.meta.dirname, '../..'), exclude: ['**/node_modules/**'] }
		expect(hands.flatMap(({ argv }) => argv).toSorted()).toEqual(globSync(patterns, options).toSorted())
		const sizes = hands.map(({ argv }) => argv.length)
		expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
		expect(new Set(hands.map(({ name }) => name)).size).toBe(hands.length)
	})

	it('begin with the unit tests', () => {
		expect(jobsOf(PROJECTS, [])[0]).toEqual({ name: 'unit', project: 'unit', argv: [] })
	})

	it('are not divided when some files are asked for', () => {
		expect(jobsOf(['integration'], ['up.test'])).toEqual([
			{ name: 'integration', project: 'integration', argv: ['up.test'] },
		])
	})
})
