import type { Template } from '../../agent/templates/template.ts'
import type { Candidates } from '../components/deploy/candidates.tsx'
import { configOf, type Draft, draftOf } from '../components/deploy/draft.ts'
import type { Actor, Services } from '../services/services.ts'
import { refusal } from '../wire-error.server.ts'

/** What the schema takes when a field is left alone. Required fields stand in with their own example. */
export function defaultsOf(template: Template): Draft {
	const examples = Object.fromEntries(
		template.fields.flatMap(({ path, kind, placeholder }) =>
			kind === 'text' && placeholder ? [[path, [placeholder]]] : [],
		),
	)
	const plain = template.schema.safeParse({})
	if (plain.success) return draftOf(template.fields, plain.data)
	const parsed = template.schema.safeParse(configOf(template.fields, examples).config)
	if (!parsed.success) return {}
	const draft = draftOf(template.fields, parsed.data)
	for (const { path } of plain.error.issues) delete draft[path.join('.')]
	return draft
}

/** A draft is half-written by nature: what it lacks is an answer here, and not an error of the page. */
export async function candidatesFor(
	services: Services,
	actor: Actor,
	template: Template,
	draft: Draft,
): Promise<Candidates> {
	const { config, issues } = configOf(template.fields, draft)
	const first = issues[0]
	if (first) return { placement: null, error: { code: 'INVALID_INPUT', message: first.message, facts: { issues } } }
	try {
		return { placement: await services.workloads.dryRun(actor, { type: template.type, config }), error: null }
	} catch (thrown) {
		return { placement: null, error: refusal(thrown) }
	}
}
