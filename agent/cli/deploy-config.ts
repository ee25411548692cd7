import { z } from 'zod'
import { LatticeError } from '../protocol/index.ts'
import type { PortOption, VolumeOption } from './options.ts'

/** The options of `deploy` that are parts of a workload's config. */
export interface ConfigFlags {
	image?: string
	command?: string[]
	env?: Record<string, string>
	port?: PortOption[]
	volume?: VolumeOption[]
	memory?: number
	cpus?: number
	node?: string
	constraint?: Record<string, string>
	replicas?: number
	expose?: string[]
	domain?: string[]
}

const Base = z.looseObject({
	env: z.record(z.string(), z.unknown()).optional(),
	constraints: z.record(z.string(), z.unknown()).optional(),
	resources: z.looseObject({}).optional(),
})

/** The file's config with the options over it: maps are merged, everything else is replaced. The template judges the rest. */
export function configFrom(flags: ConfigFlags, file: unknown): Record<string, unknown> {
	const parsed = Base.safeParse(file)
	if (!parsed.success)
		throw new LatticeError('INVALID_INPUT', '--config: give a JSON object, such as {"image": "nginx"}.')
	const base = parsed.data
	const resources = { memoryMiB: flags.memory, cpus: flags.cpus }
	return withoutUndefined({
		...base,
		image: flags.image ?? base.image,
		command: flags.command ?? base.command,
		env: merged(base.env, flags.env),
		ports: flags.port ?? base.ports,
		volumes: flags.volume ?? base.volumes,
		resources: merged(base.resources, withoutUndefined(resources)),
		node: flags.node ?? base.node,
		constraints: merged(base.constraints, flags.constraint),
		replicas: flags.replicas ?? base.replicas,
		expose: flags.expose ?? base.expose,
		domains: flags.domain ?? base.domains,
	})
}

function merged(base: object | undefined, over: object | undefined): object | undefined {
	const all = { ...base, ...over }
	return Object.keys(all).length > 0 ? all : base
}

function withoutUndefined(value: Record<string, unknown>): Record<string, unknown> {
	return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined))
}
