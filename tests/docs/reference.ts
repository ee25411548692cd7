import { z } from 'zod'
import {
	Command,
	ERROR_STATUS,
	LogLine,
	Node,
	PeerPath,
	Placement,
	StatsSample,
	WireError,
	Workload,
	WorkloadEvent,
} from '../../agent/protocol/index.ts'
import { TEMPLATES } from '../../agent/templates/catalogue.ts'

/** The shapes that callers meet, as docs/reference.md shows them: written by the schemas that check them. */
const SHAPES = { Workload, Node, PeerPath, Placement, WorkloadEvent, LogLine, StatsSample, Error: WireError }

export function reference(): string {
	const parts = [
		'# Reference of shapes',
		'Generated from the schemas (`npm run docs`); a test holds it to them. The routes are in [api.md](api.md).',
		'`?` marks what may be left out; values behind `=` are defaults.',
		'## Answers',
		...Object.entries(SHAPES).map(([name, schema]) => `### ${name}\n\n${fence(shapeOf(schema, 'output'))}`),
		'## What may be ordered',
		'`config` of `workload.deploy` by type. Unknown keys are errors.',
		...TEMPLATES.map(
			({ type, title, description, schema }) =>
				`### ${type}: ${title}\n\n${description}\n\n${fence(shapeOf(schema, 'input'))}`,
		),
		'## Commands on the mesh',
		'What a grant is signed over. `kind` says which.',
		`${Command.options.map((option) => `- \`${option.shape.kind.value}\`: ${keysOf(option)}`).join('\n')}`,
		'## Error codes',
		`| status | codes |\n|---|---|\n${errorRows()}`,
	]
	return `${parts.join('\n\n')}\n`
}

function fence(text: string): string {
	return `\`\`\`ts\n${text}\n\`\`\``
}

interface JsonSchema {
	type?: string | string[]
	properties?: Record<string, JsonSchema>
	required?: string[]
	items?: JsonSchema
	anyOf?: JsonSchema[]
	oneOf?: JsonSchema[]
	enum?: unknown[]
	const?: unknown
	additionalProperties?: JsonSchema | boolean
	default?: unknown
	minimum?: number
	maximum?: number
	maxLength?: number
	maxItems?: number
}

function shapeOf(schema: z.ZodType, io: 'input' | 'output'): string {
	return render(z.toJSONSchema(schema, { io, unrepresentable: 'any', reused: 'inline' }) as JsonSchema, '')
}

function render(schema: JsonSchema, indent: string): string {
	if (schema.const !== undefined) return JSON.stringify(schema.const)
	if (schema.enum?.includes('INVALID_INPUT')) return 'ErrorCode'
	if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
	const choices = schema.anyOf ?? schema.oneOf
	if (choices) return choices.map((choice) => render(choice, indent)).join(' | ')
	if (Array.isArray(schema.type)) return schema.type.map((type) => render({ ...schema, type }, indent)).join(' | ')
	if (schema.type === 'array') return arrayOf(render(schema.items ?? {}, indent))
	if (schema.type === 'object') return object(schema, indent)
	if (schema.type === 'integer') return 'number'
	return schema.type ?? 'unknown'
}

const arrayOf = (item: string) => (item.includes(' | ') && !item.startsWith('{') ? `(${item})[]` : `${item}[]`)

function object({ properties = {}, required = [], additionalProperties }: JsonSchema, indent: string): string {
	const entries = Object.entries(properties)
	if (entries.length === 0) {
		const values = typeof additionalProperties === 'object' ? render(additionalProperties, indent) : 'unknown'
		return `Record<string, ${values}>`
	}
	const inner = `${indent}  `
	const lines = entries.map(([name, property]) => {
		const optional = required.includes(name) && property.default === undefined ? '' : '?'
		const fallback = property.default === undefined ? '' : ` = ${JSON.stringify(property.default)}`
		return `${inner}${name}${optional}: ${render(property, inner)}${fallback}${limits(property)}`
	})
	return `{\n${lines.join('\n')}\n${indent}}`
}

function limits({ minimum, maximum, maxLength, maxItems }: JsonSchema): string {
	const low = minimum !== undefined && Math.abs(minimum) < Number.MAX_SAFE_INTEGER ? `≥ ${minimum}` : ''
	const high = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? `≤ ${maximum}` : ''
	const length = maxLength !== undefined ? `≤ ${maxLength} characters` : ''
	const items = maxItems !== undefined ? `≤ ${maxItems} items` : ''
	const all = [low, high, length, items].filter((part) => part !== '')
	return all.length > 0 ? `  // ${all.join(', ')}` : ''
}

function keysOf(option: z.ZodObject): string {
	return Object.keys(option.shape)
		.filter((key) => key !== 'kind')
		.map((key) => `\`${key}\``)
		.join(', ')
}

function errorRows(): string {
	const byStatus = Map.groupBy(Object.entries(ERROR_STATUS), ([, status]) => status)
	return [...byStatus]
		.sort(([a], [b]) => a - b)
		.map(([status, codes]) => `| ${status} | ${codes.map(([code]) => code).join(', ')} |`)
		.join('\n')
}
