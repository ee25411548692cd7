import { z } from 'zod'
import { Labels, type Requirements } from '../protocol/index.ts'
import type { Field } from './template.ts'

/** What every template takes beside its own options: how much, where, and how it is reached. */

const MIB = 1024 * 1024

/** Smallest and default sizes differ by service; the ceilings only stop typing errors. */
export function resources(size: { minMemoryMiB: number; memoryMiB: number; cpus: number }) {
	return z
		.strictObject({
			memoryMiB: z
				.number()
				.int('memory is in whole MiB')
				.min(size.minMemoryMiB, `needs at least ${size.minMemoryMiB} MiB`)
				.max(4 * 1024 * 1024, 'is over 4 TiB')
				.default(size.memoryMiB),
			cpus: z.number().min(0.01, 'needs at least 0.01 CPUs').max(1024, 'is over 1024 CPUs').default(size.cpus),
		})
		.prefault({})
}

const Exposure = z.enum(['gateway', 'ngrok', 'lan'])

/** Nothing but the host and members reaches a workload with an empty list. */
export const Expose = z
	.array(Exposure)
	.max(3)
	.refine((kinds) => new Set(kinds).size === kinds.length, { error: 'names the same way twice' })
	.default(['gateway'])

/** As gateways look them up: lower case. Names of one computer, and those that the gateways give out, are no one's own. */
const Domain = z
	.string()
	.toLowerCase()
	.max(253)
	.regex(
		/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\.[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/,
		'is not a domain, such as shop.example.org',
	)
	.refine((domain) => !/(^|\.)(localhost|sslip\.io)$/.test(domain), {
		error: 'belongs to nobody; give a domain of yours',
	})

export const Domains = z
	.array(Domain)
	.max(10, 'has more than 10 domains')
	.refine((domains) => new Set(domains).size === domains.length, { error: 'names the same domain twice' })
	.default([])

export const DOMAINS_FIELD: Field = {
	path: 'domains',
	label: 'Domains',
	kind: 'list',
	placeholder: 'shop.example.org',
	help: 'Domains of yours that lead to a gateway of this lattice; the first HTTP port answers.',
	advanced: true,
}

export const Constraints = Labels.refine((labels) => Object.keys(labels).length <= 32, {
	error: 'has more than 32 entries',
}).default({})

/** The name or peer id of the one node that may run it. */
export const PinnedNode = z.string().min(1, 'names no node').max(128).nullable().default(null)

/** The placement half of any config, as the scheduler asks for it. */
export function requirementsOf(
	config: {
		resources: { memoryMiB: number; cpus: number }
		constraints: Record<string, string>
		node: string | null
	},
	needs: Pick<Requirements, 'image' | 'replicas' | 'volumes'>,
): Requirements {
	return {
		memoryBytes: config.resources.memoryMiB * MIB,
		cpus: config.resources.cpus,
		constraints: config.constraints,
		node: config.node,
		...needs,
	}
}

/** Folded away on the form: the defaults are right for most. */
export const DEPLOYMENT_FIELDS: readonly Field[] = [
	{ path: 'resources.memoryMiB', label: 'Memory', kind: 'number', unit: 'MiB', advanced: true },
	{ path: 'resources.cpus', label: 'CPUs', kind: 'number', unit: 'cores', advanced: true },
	{
		path: 'constraints',
		label: 'Constraints',
		kind: 'constraints',
		help: 'Only nodes with all these labels may run it.',
		placeholder: 'region=home',
		advanced: true,
	},
	{
		path: 'node',
		label: 'Node',
		kind: 'text',
		help: 'Name or peer id of the one node that may run it.',
		advanced: true,
	},
	{
		path: 'expose',
		label: 'Reachable through',
		kind: 'select',
		multiple: true,
		options: [
			{ value: 'gateway', label: 'Gateway' },
			{ value: 'lan', label: 'Local network' },
			{ value: 'ngrok', label: 'ngrok tunnel' },
		],
		advanced: true,
	},
]
