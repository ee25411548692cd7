import { LatticeError } from '../protocol/index.ts'
import { TEMPLATES } from './catalogue.ts'

interface Named {
	id: string
	type: string
	config: unknown
}

/** Host names that the workload's first HTTP port answers to. */
export function domainsOf({ type, config }: Pick<Named, 'type' | 'config'>): string[] {
	const template = TEMPLATES.find((each) => each.type === type)
	const parsed = template?.schema.safeParse(config)
	return (parsed?.success && template?.domains?.(parsed.data)) || []
}

/** NAME_TAKEN when another workload answers to a domain of this one: a name leads to one service. */
export function refuseTakenDomains(wanted: Named, others: Iterable<Named>): void {
	const domains = new Set(domainsOf(wanted))
	if (domains.size === 0) return
	for (const other of others) {
		const domain = other.id === wanted.id ? undefined : domainsOf(other).find((each) => domains.has(each))
		if (domain === undefined) continue
		throw new LatticeError(
			'NAME_TAKEN',
			`Another workload of this lattice answers to ${domain}; give another domain, or take it from that one first.`,
			{ field: 'config.domains', domain },
		)
	}
}
