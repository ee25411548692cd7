import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createProgram } from '../../agent/cli/program.ts'
import type { Terminal } from '../../agent/cli/terminal.ts'
import { ERROR_STATUS } from '../../agent/protocol/index.ts'
import { appRouter } from '../../app/trpc/router.ts'
import { reference } from './reference.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const PAGES = [
	'README.md',
	...readdirSync(join(ROOT, 'docs')).flatMap((file) => (file.endsWith('.md') ? [`docs/${file}`] : [])),
]

describe('the documentation', () => {
	it('has the shapes that the schemas check (npm run docs writes them)', () => {
		expect(read('docs/reference.md')).toBe(reference())
	})

	it('names every procedure, error and package', () => {
		const api = read('docs/api.md')
		const missing = Object.keys(appRouter._def.procedures).filter((name) => {
			const [group = '', verb = ''] = name.split('.')
			return !api.includes(`\`${name}\``) && !new RegExp(`\`${group}\\.[^\`]*\\b${verb}\\b[^\`]*\``).test(api)
		})
		expect(missing).toEqual([])
		expect(Object.keys(ERROR_STATUS).filter((code) => !api.includes(code))).toEqual([])
		const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>
		const listed = read('docs/dependencies.md')
		expect(
			Object.keys({ ...dependencies, ...devDependencies }).filter(
				(name) => !name.startsWith('@types/') && !listed.includes(name),
			),
		).toEqual([])
	})

	it('shows commands that exist', () => {
		const nothing = () => undefined
		const program = createProgram({ out: nothing, notice: nothing, draw: nothing } as unknown as Terminal)
		const known = new Set([...program.commands.flatMap((command) => [command.name(), ...command.aliases()]), 'test'])
		const shown = PAGES.flatMap((page) =>
			[...read(page).matchAll(/\.\/lattice ([a-z]+)/g)].map(([, name = '']) => ({ page, name })),
		)
		expect(shown.filter(({ name }) => !known.has(name))).toEqual([])
	})

	it('links to files that are there', () => {
		const links = PAGES.flatMap((page) =>
			[...read(page).matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => ({ page, link })),
		)
		expect(links.filter(({ page, link }) => !existsSync(join(ROOT, dirname(page), link)))).toEqual([])
	})
})
