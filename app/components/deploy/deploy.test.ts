import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TEMPLATES, templateOf } from '../../../agent/templates/catalogue.ts'
import { cliOf } from './cli.ts'
import { configOf, draftOf } from './draft.ts'
import { joinWords, splitWords } from './shell-words.ts'

const custom = templateOf('custom')

describe('configOf', () => {
	it('reads each kind of field', () => {
		const { config, issues } = configOf(custom.fields, {
			image: [' nginx:1.27 '],
			ports: ['8080, 5432/tcp'],
			env: ['# settings\nexport A=1\nB="two words"\nC=x=y'],
			command: ["run --title 'a b'"],
			volumes: ['data:/var/lib/data'],
			'resources.memoryMiB': ['64'],
			constraints: ['region=home, disk=ssd'],
			expose: ['lan'],
		})
		expect(issues).toEqual([])
		expect(config).toEqual({
			image: 'nginx:1.27',
			ports: [
				{ container: 8080, protocol: 'http' },
				{ container: 5432, protocol: 'tcp' },
			],
			env: { A: '1', B: 'two words', C: 'x=y' },
			command: ['run', '--title', 'a b'],
			volumes: [{ name: 'data', path: '/var/lib/data' }],
			resources: { memoryMiB: 64 },
			constraints: { region: 'home', disk: 'ssd' },
			expose: ['lan'],
		})
		expect(custom.schema.safeParse(config).success).toBe(true)
	})

	it('leaves empty fields to the defaults, and keeps a choice of nothing', () => {
		expect(configOf(custom.fields, { image: ['a'], replicas: [' '] }).config).toEqual({ image: 'a', expose: [] })
	})

	it('names the field that cannot be read', () => {
		const { issues } = configOf(custom.fields, { ports: ['web'], env: ['NOVALUE'], volumes: ['/data'] })
		expect(issues.map(({ path }) => path)).toEqual(['config.ports', 'config.env', 'config.volumes'])
	})

	it('gives back what a template takes, through the form and out again', () => {
		for (const template of TEMPLATES) {
			const parsed = template.schema.parse(
				template.type === 'custom' ? { image: 'nginx:1.27', ports: [{ container: 80, protocol: 'http' }] } : {},
			)
			const again = configOf(template.fields, draftOf(template.fields, parsed)).config
			expect(template.schema.parse(again)).toEqual(parsed)
		}
	})
})

describe('shell words', () => {
	it('come back as they were', () => {
		fc.assert(
			fc.property(fc.array(fc.string()), (words) => {
				expect(splitWords(joinWords(words))).toEqual(words)
			}),
		)
	})
})

describe('cliOf', () => {
	const base = {
		name: 'site',
		type: 'custom',
		fields: custom.fields,
		defaults: { replicas: ['1'], expose: ['gateway'] },
	}
	it('says only what differs, and never a value of the environment', () => {
		const draft = {
			image: ['nginx:1.27'],
			ports: ['8080'],
			env: ['TOKEN=secret'],
			replicas: ['1'],
			expose: ['gateway'],
			command: ["sh -c 'echo hi'"],
		}
		const command = cliOf({ ...base, draft })
		expect(command).toBe(
			`./lattice deploy site --type custom --image nginx:1.27 --port 8080/http --env TOKEN="$TOKEN" --command 'sh -c '\\''echo hi'\\'''`,
		)
		expect(command).not.toContain('secret')
	})
	it('gives as JSON what has no option', () => {
		const draft = { replicas: ['1'], expose: [], 'healthcheck.command': ['true'] }
		expect(cliOf({ ...base, draft })).toBe(
			`echo '{"healthcheck":{"command":["true"]},"expose":[]}' | ./lattice deploy site --type custom --config -`,
		)
	})
	it('keeps a place for the name', () => {
		expect(cliOf({ ...base, name: '', draft: base.defaults })).toBe('./lattice deploy NAME --type custom')
	})
})
