import type { Workload } from '../../agent/protocol/index.ts'

/** Every word must be in the name, the type, the node or the id. */
export function matches(workload: Workload, search: string): boolean {
	if (search === '') return true
	const haystack = [workload.name, workload.type, workload.node?.name ?? '', workload.id].join(' ').toLowerCase()
	return search
		.toLowerCase()
		.split(/\s+/)
		.every((word) => haystack.includes(word))
}
