import type { Field } from '../../../agent/templates/template.ts'
import type { Draft } from './draft.ts'
import { quoteWord, splitWords } from './shell-words.ts'

/** Options of `lattice deploy` by the path that they set (contract.md, Command line). */
const OPTION: Record<string, string> = {
	image: '--image',
	command: '--command',
	env: '--env',
	ports: '--port',
	'resources.memoryMiB': '--memory',
	'resources.cpus': '--cpus',
	node: '--node',
	constraints: '--constraint',
	replicas: '--replicas',
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
 * into shells that keep a history, and shown on screens.
 */
export function cliOf({ name, type, fields, draft, defaults }: CliInput): string {
	const words = ['./lattice', 'deploy', quoteWord(name || 'NAME'), '--type', type]
	for (const field of fields) {
		const raw = draft[field.path] ?? []
		if (raw.join('\n').trim() === (defaults[field.path] ?? []).join('\n').trim()) continue
		words.push(...optionWords(field, raw))
	}
	return words.join(' ')
}

function optionWords(field: Field, raw: readonly string[]): string[] {
	const option = OPTION[field.path]
	const text = raw.join('\n').trim()
	if (!option) return ['--set', quoteWord(`${field.path}=${raw.map((value) => value.trim()).join(',')}`)]
	if (text === '') return []
	switch (field.kind) {
		case 'env':
			return entries(text, /\n/).flatMap((line) => {
				const key =
					line
						.replace(/^export\s+/, '')
						.split('=', 1)[0]
						?.trim() ?? ''
				return line.startsWith('#') || key === '' ? [] : [option, `${key}="$${key}"`]
			})
		case 'ports':
			return entries(text, /[\s,]+/).flatMap((port) => [option, quoteWord(port.includes('/') ? port : `${port}/http`)])
		case 'constraints':
			return entries(text, /[\n,]/).flatMap((pair) => [option, quoteWord(pair)])
		case 'command':
			return [option, quoteWord(splitWords(text).map(quoteWord).join(' '))]
		default:
			return [option, quoteWord(text)]
	}
}

function entries(text: string, separator: RegExp): string[] {
	return text
		.split(separator)
		.map((entry) => entry.trim())
		.filter(Boolean)
}
