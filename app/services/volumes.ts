import { templateOf } from '../../agent/templates/catalogue.ts'

/** What the template makes for this order; secrets are not needed to name volumes, so blanks stand in. */
export function volumesOf(type: string, config: unknown): { name: string; path: string }[] | null {
	const template = templateOf(type)
	const parsed = template.schema.safeParse(config)
	// an order of another version of the template: what it made is not known here
	if (!parsed.success) return null
	return template.plan(
		parsed.data,
		template.makeSecrets(parsed.data, (characters) => '-'.repeat(characters)),
	).volumes
}
