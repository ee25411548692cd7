import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Endpoint, type LatticeError, parseInput } from '../protocol/index.ts'
import { TEMPLATES, templateOf } from './catalogue.ts'

const random = (characters: number) => randomBytes(characters).toString('base64url').slice(0, characters)

/** The smallest config of each type. */
const MINIMAL: Record<string, object> = { custom: { image: 'nginx' } }

function refusal(run: () => unknown): LatticeError {
	try {
		run()
	} catch (error) {
		return error as LatticeError
	}
	throw new Error('nothing was refused')
}

const endpoint = (container: number): Endpoint => ({
	kind: 'gateway',
	protocol: 'tcp',
	url: `tcp://10.77.0.1:${20_000 + container}`,
	container,
	replica: null,
})

describe('the catalogue', () => {
	it('names the known types for an unknown one', () => {
		const error = refusal(() => templateOf('clickhouse'))
		expect(error.code).toBe('INVALID_INPUT')
		expect(error.message).toContain('postgres, mariadb')
		expect(error.facts).toMatchObject({ issues: [{ path: 'type' }] })
	})

	it('does not take names of Object.prototype for types', () => {
		expect(refusal(() => templateOf('constructor')).code).toBe('INVALID_INPUT')
	})

	it('imports nothing that a browser lacks', () => {
		const files = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
		for (const file of files) {
			const source = readFileSync(`${import.meta.dirname}/${file}`, 'utf8')
			expect(source, file).not.toMatch(/from 'node:|\bprocess\.|\bBuffer\b/)
		}
	})
})

describe.each(TEMPLATES.map((template) => template.type))('every template: %s', (type) => {
	const template = templateOf(type)
	const config = template.schema.parse(MINIMAL[type] ?? {})
	const secrets = template.makeSecrets(config, random)
	const endpoints = template.ports(config).map((port) => endpoint(port.container))

	it('names an unknown key', () => {
		const error = refusal(() => parseInput(template.schema, { ...MINIMAL[type], privileged: true }, ['config']))
		expect(error.code).toBe('INVALID_INPUT')
		expect(error.message).toContain('privileged')
		const nested = { ...MINIMAL[type], resources: { memory: 5 } }
		expect(refusal(() => parseInput(template.schema, nested, ['config'])).message).toMatch(/config\.resources.*memory/)
	})

	it('fills defaults, and a filled config reads as itself', () => {
		expect(config).toMatchObject({ expose: ['gateway'], constraints: {}, node: null })
		expect(template.schema.parse(config)).toEqual(config)
		expect(template.expose(config)).toEqual(['gateway'])
	})

	it('refuses sizes, ways and constraints out of range', () => {
		for (const wrong of [
			{ resources: { memoryMiB: 1 } },
			{ resources: { memoryMiB: 512.5 } },
			{ resources: { cpus: 0 } },
			{ resources: { cpus: Number.NaN } },
			{ expose: ['internet'] },
			{ expose: ['lan', 'lan'] },
			{ constraints: { 'bad key': 'x' } },
			{ node: '' },
		]) {
			expect(template.schema.safeParse({ ...MINIMAL[type], ...wrong }).success, JSON.stringify(wrong)).toBe(false)
		}
	})

	it('asks the scheduler for what the plan then uses', () => {
		const sized = template.schema.parse({ ...MINIMAL[type], resources: { memoryMiB: 300, cpus: 0.25 }, node: 'laptop' })
		const requirements = template.requirements(sized)
		expect(requirements).toMatchObject({ memoryBytes: 300 * 1024 * 1024, cpus: 0.25, node: 'laptop' })
		const plan = template.plan(sized, secrets)
		expect(requirements.image).toBe(plan.image)
		expect(requirements.volumes).toBe(plan.volumes.length > 0)
	})

	it('has credentials whose secret names and snippet holes exist', () => {
		const credentials = template.credentials(config, secrets, endpoints) ?? {}
		expect(Object.keys(credentials)).toEqual(expect.arrayContaining(template.secretNames))
		for (const { text } of template.snippets) {
			const holes = [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1])
			expect(Object.keys(credentials)).toEqual(expect.arrayContaining(holes))
			expect(holes.length).toBeGreaterThan(0)
		}
	})

	it('makes new secrets each time and keeps them out of everything but env', () => {
		const again = template.makeSecrets(config, random)
		for (const [name, secret] of Object.entries(secrets)) {
			expect(secret.length).toBeGreaterThanOrEqual(16)
			expect(again[name]).not.toBe(secret)
			const { env: _env, ...rest } = template.plan(config, secrets)
			expect(JSON.stringify(rest)).not.toContain(secret)
		}
	})

	it('shows fields that exist in its config', () => {
		for (const field of template.fields) {
			const top = field.path.split('.')[0] ?? ''
			expect(Object.keys(config as object), field.path).toContain(top)
		}
	})

	it('never throws anything but a refusal on any JSON', () => {
		fc.assert(
			fc.property(fc.jsonValue(), (value) => {
				const parsed = template.schema.safeParse(value)
				if (parsed.success) expect(template.schema.parse(parsed.data)).toEqual(parsed.data)
			}),
		)
	})
})
