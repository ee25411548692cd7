import type { InputIssue } from '../../agent/protocol/index.ts'
import type { Template } from '../../agent/templates/template.ts'
import type { Candidates } from '../components/deploy/candidates.tsx'
import { configOf, type Draft, draftOf } from '../components/deploy/draft.ts'
import type { Actor, Services } from '../services/services.ts'
import { refusal } from '../wire-error.server.ts'

export interface FormStart {
	defaults: Draft
	/** paths that the schema has no default for */
	required: string[]
}

/** What the schema takes when a field is left alone; a required field stands in with its own example meanwhile. */
export function formStartOf(template: Template): FormStart {
	const plain = template.schema.safeParse({})
	if (plain.success) return { defaults: draftOf(template.fields, plain.data), required: [] }
	const required = plain.error.issues.map(({ path }) => path.join('.'))
	const examples = Object.fromEntries(
		template.fields
			.filter(({ path, placeholder }) => placeholder && required.includes(path))
			.map(({ path, placeholder = '' }) => [path, [placeholder]]),
	)
	const parsed = template.schema.safeParse(configOf(template.fields, examples).config)
	const draft = parsed.success ? draftOf(template.fields, parsed.data) : {}
	return { defaults: Object.fromEntries(Object.entries(draft).filter(([path]) => !required.includes(path))), required }
}

/** Fields that must be filled and are not, as the form's own words rather than the schema's. */
export function missingIssues(template: Template, draft: Draft): InputIssue[] {
	return formStartOf(template)
		.required.filter((path) => (draft[path]?.[0] ?? '').trim() === '')
		.map((path) => {
			const label = template.fields.find((field) => field.path === path)?.label ?? path
			return { path: `config.${path}`, message: `${label} is needed.` }
		})
}

/** A draft is half-written by nature: what it lacks is an answer here, and not an error of the page. */
export async function candidatesFor(
	services: Services,
	actor: Actor,
	template: Template,
	draft: Draft,
): Promise<Candidates> {
	const { config, issues: unreadable } = configOf(template.fields, draft)
	const issues = [...missingIssues(template, draft), ...unreadable]
	const first = issues[0]
	if (first) return { placement: null, error: { code: 'INVALID_INPUT', message: first.message, facts: { issues } } }
	try {
		return { placement: await services.workloads.dryRun(actor, { type: template.type, config }), error: null }
	} catch (thrown) {
		return { placement: null, error: refusal(thrown) }
	}
}
