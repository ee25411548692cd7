import type { InputIssue } from '../../../agent/protocol/index.ts'
import type { Field } from '../../../agent/templates/template.ts'
import { joinWords, splitWords } from './shell-words.ts'

/** What stands in each field, by its path: always an array, since a choice of several has several. */
export type Draft = Record<string, string[]>

export interface ReadDraft {
	config: Record<string, unknown>
	issues: InputIssue[]
}

/** The config that the fields mean. An empty field is left out, so that the template's default holds. */
export function configOf(fields: readonly Field[], draft: Draft): ReadDraft {
	const config: Record<string, unknown> = {}
	const issues: InputIssue[] = []
	for (const field of fields) {
		const refuse = (message: string) => issues.push({ path: `config.${field.path}`, message })
		const value = fieldValue(field, draft[field.path] ?? [], refuse)
		if (value !== undefined) place(config, field.path, value)
	}
	return { config, issues }
}

type Refuse = (message: string) => void

function fieldValue(field: Field, raw: readonly string[], refuse: Refuse): unknown {
	if (field.kind === 'select' && field.multiple) return [...raw]
	const text = (raw[0] ?? '').trim()
	if (text === '') return undefined
	switch (field.kind) {
		case 'number':
			// What is no number goes on as it is: the schema then says what it wants of this field.
			return Number.isNaN(Number(text)) ? text : Number(text)
		case 'command':
			return splitWords(text)
		case 'env':
			return pairsOf(text.split('\n'), refuse)
		case 'constraints':
			return pairsOf(text.split(/[\n,]/), refuse)
		case 'list':
			return entriesOf(text)
		case 'ports':
			return entriesOf(text).map((entry) => portOf(entry, refuse))
		case 'volumes':
			return entriesOf(text).map((entry) => volumeOf(entry, refuse))
		default:
			return text
	}
}

function entriesOf(text: string): string[] {
	return text.split(/[\s,]+/).filter(Boolean)
}

/** A pasted .env file: comments, `export` and quotes around a whole value are read as a shell would. */
function pairsOf(lines: readonly string[], refuse: Refuse): Record<string, string> {
	const pairs: Record<string, string> = {}
	for (const line of lines) {
		const text = line.trim().replace(/^export\s+/, '')
		if (text === '' || text.startsWith('#')) continue
		const at = text.indexOf('=')
		if (at < 1) refuse(`“${text}” has no value: write it as KEY=value`)
		else pairs[text.slice(0, at).trim()] = unquoted(text.slice(at + 1).trim())
	}
	return pairs
}

function unquoted(value: string): string {
	const quote = value.charAt(0)
	return value.length > 1 && (quote === '"' || quote === "'") && value.endsWith(quote) ? value.slice(1, -1) : value
}

function portOf(entry: string, refuse: Refuse): unknown {
	const [, container, protocol = 'http'] = /^(\d{1,5})(?:\/([a-z]+))?$/i.exec(entry) ?? []
	if (container === undefined) refuse(`“${entry}” is not a port: write 8080/http or 5432/tcp`)
	return { container: Number(container), protocol: protocol.toLowerCase() }
}

function volumeOf(entry: string, refuse: Refuse): unknown {
	const at = entry.indexOf(':')
	if (at < 1) refuse(`“${entry}” is not a volume: write name:/path, such as data:/var/lib/data`)
	return { name: entry.slice(0, Math.max(0, at)), path: entry.slice(at + 1) }
}

function place(config: Record<string, unknown>, path: string, value: unknown): void {
	const names = path.split('.')
	const last = names.pop() ?? path
	let target = config
	for (const name of names) {
		const inner = target[name]
		const next = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {}
		target[name] = next
		target = next
	}
	target[last] = value
}

/** The other way: a config as the fields would show it. For defaults, and for a form that is shown again. */
export function draftOf(fields: readonly Field[], config: unknown): Draft {
	return Object.fromEntries(fields.map((field) => [field.path, textsOf(field, read(config, field.path))]))
}

function read(config: unknown, path: string): unknown {
	return path
		.split('.')
		.reduce<unknown>(
			(value, name) =>
				typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined,
			config,
		)
}

function textsOf(field: Field, value: unknown): string[] {
	if (value === undefined || value === null) return []
	if (field.kind === 'command') return Array.isArray(value) ? [joinWords(value.map(String))] : []
	if (Array.isArray(value)) {
		const entries = value.map((entry) => entryText(entry))
		return field.kind === 'select' ? entries : [entries.join('\n')]
	}
	if (typeof value === 'object') {
		return [
			Object.entries(value)
				.map(([key, text]) => `${key}=${text}`)
				.join('\n'),
		]
	}
	return [String(value)]
}

function entryText(entry: unknown): string {
	if (typeof entry !== 'object' || entry === null) return String(entry)
	if ('container' in entry && 'protocol' in entry) return `${entry.container}/${entry.protocol}`
	if ('name' in entry && 'path' in entry) return `${entry.name}:${entry.path}`
	return JSON.stringify(entry)
}

/** Fields of a posted form by path; a field that was not sent (nothing ticked) is an empty choice. */
export function draftOfForm(fields: readonly Field[], form: FormData): Draft {
	return Object.fromEntries(
		fields.map(({ path }) => [path, form.getAll(path).filter((value) => typeof value === 'string')]),
	)
}
