import type { Field } from '../../../agent/templates/template.ts'
import { configOf, type Draft } from './draft.ts'
import { quoteWord, splitWords } from './shell-words.ts'

/** Options of `lattice deploy` by the path that they set (contract.md, Command line). */
const OPTION: Record<string, string> = {
	image: '--image',
	command: '--command',
	env: '--env',
	ports: '--port',
	volumes: '--volume',
	'resources.memoryMiB': '--memory',
	'resources.cpus': '--cpus',
	node: '--node',
	constraints: '--constraint',
	replicas: '--replicas',
	expose: '--expose',
	domains: '--domain',
}

interface CliInput {
	name: string
	type: string
	fields: readonly Field[]
	draft: Draft
	/** what the template takes anyway: such values are not repeated */
	defaults: Draft
}

/**
 * The same order on the command line. Values of the environment are named and not written out: a command is pasted
 * into shells that keep a history, and shown on screens. What has no option of its own goes in as JSON.
 */
export function cliOf({ name, type, fields, draft, defaults }: CliInput): string {
	const changed = fields.filter(({ path }) => textOf(draft, path) !== textOf(defaults, path))
	const withOption = changed.filter(hasOption(draft))
	const { config } = configOf(
		changed.filter((field) => !withOption.includes(field)),
		draft,
	)
	const words = ['./lattice', 'deploy', quoteWord(name || 'NAME'), '--type', type]
	for (const field of withOption) words.push(...optionWords(field, draft[field.path] ?? []))
	if (Object.keys(config).length === 0) return words.join(' ')
	return `echo ${quoteWord(JSON.stringify(config))} | ${words.join(' ')} --config -`
}

function textOf(draft: Draft, path: string): string {
	return (draft[path] ?? []).join('\n').trim()
}

/** A choice of nothing cannot be said by repeating an option. */
function hasOption(draft: Draft): (field: Field) => boolean {
	return ({ path, multiple }) => path in OPTION && !(multiple && textOf(draft, path) === '')
}

function optionWords(field: Field, raw: readonly string[]): string[] {
	const option = OPTION[field.path] ?? ''
	const text = raw.join('\n').trim()
	const each = (separator: RegExp, word: (entry: string) => string) =>
		entries(text, separator).flatMap((entry) => [option, word(entry)])
	if (text === '') return []
	if (field.multiple) return raw.flatMap((value) => [option, quoteWord(value)])
	switch (field.kind) {
		case 'env':
			return keysOf(text).flatMap((key) => [option, `${key}="$${key}"`])
		case 'ports':
			return each(/[\s,]+/, (port) => quoteWord(port.includes('/') ? port : `${port}/http`))
		case 'list':
		case 'volumes':
			return each(/[\s,]+/, quoteWord)
		case 'constraints':
			return each(/[\n,]/, quoteWord)
		case 'command':
			return [option, quoteWord(splitWords(text).map(quoteWord).join(' '))]
		default:
			return [option, quoteWord(text)]
	}
}

function keysOf(text: string): string[] {
	return entries(text, /\n/)
		.map((line) => line.replace(/^export\s+/, ''))
		.filter((line) => !line.startsWith('#') && line.indexOf('=') > 0)
		.map((line) => line.slice(0, line.indexOf('=')).trim())
}

function entries(text: string, separator: RegExp): string[] {
	return text
		.split(separator)
		.map((entry) => entry.trim())
		.filter(Boolean)
}
