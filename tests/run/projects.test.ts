import { globSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { jobsOf, PROJECTS } from './projects.ts'

describe('jobs', () => {
	it('run every integration test once, the long one beside the others', () => {
		const jobs = jobsOf(PROJECTS, [])
		expect(jobs.map(({ project }) => project)).toEqual(['unit', 'integration', 'integration', 'e2e', 'cluster'])
		const divided = jobs.filter(({ project }) => project === 'integration').map(({ argv }) => argv)
		expect(divided[1]).toHaveLength(1)
		const options = { cwd: join(import.meta.dirname, '../..'), exclude: ['**/node_modules/**'] }
		const all = globSync(['**/*.engine.test.ts', 'tests/integration/**/*.test.ts'], options)
		expect(divided.flat().toSorted()).toEqual(all.toSorted())
	})

	it('are not divided when some files are asked for', () => {
		expect(jobsOf(['integration'], ['up.test'])).toEqual([
			{ name: 'integration', project: 'integration', argv: ['up.test'] },
		])
	})
})
