import { z } from 'zod'
import {
	Constraints,
	DEPLOYMENT_FIELDS,
	DOMAINS_FIELD,
	Domains,
	Expose,
	PinnedNode,
	requirementsOf,
	resources,
} from './deployment-options.ts'
import { familiarImage, Image } from './image-reference.ts'
import type { Template } from './template.ts'

const NO_NUL = /^[^\0]*$/
const MAX_ENV_BYTES = 64 * 1024

/** No NUL: the kernel would cut the argument there. */
const Argument = z.string().max(8192).regex(NO_NUL, 'contains a NUL character')
const Command = z.array(Argument).max(256, 'has more than 256 arguments')

const EnvKey = z
	.string()
	.max(256)
	.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not an environment key: letters, digits and _, not starting with a digit')

/** Measured as the kernel holds it: KEY=value and a NUL, in UTF-8. */
function envBytes(env: Record<string, string>): number {
	const encoder = new TextEncoder()
	return Object.entries(env).reduce((sum, [key, value]) => sum + encoder.encode(`${key}=${value}`).length + 1, 0)
}

const Env = z
	.record(EnvKey, z.string().regex(NO_NUL, 'contains a NUL character'))
	.refine((env) => envBytes(env) <= MAX_ENV_BYTES, { error: 'is over 64 KiB in all' })
	.default({})

const PortNumber = z.number().int().min(1, 'a port is 1 to 65535').max(65535, 'a port is 1 to 65535')

const Port = z.strictObject({
	container: PortNumber,
	protocol: z.enum(['http', 'tcp']),
})

/** Mounts here would hide what the engine puts there itself (its /proc, its resolv.conf), or replace the whole image. */
const FORBIDDEN_TREES = ['/proc', '/sys', '/dev']
const FORBIDDEN_PATHS = [
	'/',
	'/etc',
	'/etc/hosts',
	'/etc/hostname',
	'/etc/resolv.conf',
	'/bin',
	'/sbin',
	'/usr',
	'/lib',
]

const MountPath = z
	.string()
	.max(255)
	.regex(/^\/[^\p{Cc}:,]*$/u, 'is not an absolute path (without colons, commas and control characters)')
	.refine(
		(path) =>
			path === '/' ||
			!path
				.split('/')
				.slice(1)
				.some((part) => ['', '.', '..'].includes(part)),
		{
			error: 'is not a plain path: no //, no . or .., no / at the end',
		},
	)
	.refine(
		(path) => !FORBIDDEN_PATHS.includes(path) && !FORBIDDEN_TREES.some((tree) => `${path}/`.startsWith(`${tree}/`)),
		{
			error: 'may not be mounted over: choose a folder of the service, such as /data',
		},
	)

const Volume = z.strictObject({
	name: z
		.string()
		.regex(/^[a-z0-9]([a-z0-9_-]{0,30}[a-z0-9])?$/, 'use 1 to 32 lower-case letters, digits, dashes and underscores'),
	path: MountPath,
})

function unique<T>(values: readonly T[]): boolean {
	return new Set(values).size === values.length
}

const Seconds = z.number().int('is in whole seconds').max(3600, 'is over an hour')

const Check = z.strictObject({
	command: Command.min(1, 'is empty; give the program and its arguments'),
	intervalSeconds: Seconds.min(1).default(10),
	timeoutSeconds: Seconds.min(1).default(5),
	retries: z.number().int().min(1).max(100).default(3),
	startPeriodSeconds: Seconds.min(0).default(30),
})

export const CustomConfig = z
	.strictObject({
		image: Image,
		command: Command.default([]),
		env: Env,
		ports: z
			.array(Port)
			.max(20, 'has more than 20 ports')
			.refine((ports) => unique(ports.map((port) => port.container)), { error: 'names the same container port twice' })
			.default([]),
		resources: resources({ minMemoryMiB: 16, memoryMiB: 256, cpus: 0.5 }),
		volumes: z
			.array(Volume)
			.max(20, 'has more than 20 volumes')
			.refine((volumes) => unique(volumes.map((volume) => volume.name)), { error: 'names the same volume twice' })
			.refine((volumes) => unique(volumes.map((volume) => volume.path)), { error: 'mounts the same path twice' })
			.default([]),
		healthcheck: Check.nullable().default(null),
		replicas: z.number().int().min(1, 'is 1 to 100').max(100, 'is 1 to 100').default(1),
		constraints: Constraints,
		node: PinnedNode,
		expose: Expose,
		domains: Domains,
	})
	.refine((config) => config.volumes.length === 0 || config.replicas === 1, {
		path: ['replicas'],
		error: 'must be 1 for a workload with volumes: a volume lives on one node',
	})
	.refine((config) => config.domains.length === 0 || config.ports.some(({ protocol }) => protocol === 'http'), {
		path: ['domains'],
		error: 'needs an HTTP port that answers for it: give one in ports, such as 8080/http',
	})
export type CustomConfig = z.infer<typeof CustomConfig>

/** Any container image. The tenant's part of a container is exactly this schema; everything else is the agent's. */
export const custom: Template<CustomConfig> = {
	type: 'custom',
	title: 'Container',
	description: 'Any container image, with its ports, environment and volumes.',
	icon: 'container',
	schema: CustomConfig,
	fields: [
		{ path: 'image', label: 'Image', kind: 'text', placeholder: 'nginx:1.27' },
		{ path: 'ports', label: 'Ports', kind: 'ports', help: 'Ports the service listens on inside the container.' },
		{ path: 'env', label: 'Environment', kind: 'env', placeholder: 'KEY=value' },
		{
			path: 'command',
			label: 'Command',
			kind: 'command',
			help: "Replaces the image's own arguments.",
			advanced: true,
		},
		{
			path: 'volumes',
			label: 'Volumes',
			kind: 'volumes',
			help: 'Folders that outlive the container.',
			advanced: true,
		},
		{ path: 'replicas', label: 'Replicas', kind: 'number', advanced: true },
		{
			path: 'healthcheck.command',
			label: 'Health check',
			kind: 'command',
			help: 'Run inside the container; exit code 0 is healthy. Without it, the first port is dialled.',
			advanced: true,
		},
		...DEPLOYMENT_FIELDS,
		DOMAINS_FIELD,
	],
	ports: (config) => config.ports.map((port) => ({ ...port, purpose: port.protocol })),
	expose: (config) => config.expose,
	domains: (config) => config.domains,
	requirements: (config) =>
		requirementsOf(config, {
			image: familiarImage(config.image),
			replicas: config.replicas,
			volumes: config.volumes.length > 0,
		}),
	makeSecrets: () => ({}),
	plan: ({ image, command, env, volumes, healthcheck, ports }) => ({
		image: familiarImage(image),
		command: command.length > 0 ? command : null,
		env,
		volumes,
		healthcheck: healthcheck && {
			command: healthcheck.command,
			intervalMs: healthcheck.intervalSeconds * 1000,
			timeoutMs: healthcheck.timeoutSeconds * 1000,
			retries: healthcheck.retries,
			startPeriodMs: healthcheck.startPeriodSeconds * 1000,
		},
		// An HTTP service may answer its root with any status, so a connection is all that can be asked of it.
		probe: healthcheck === null && ports[0] !== undefined ? { kind: 'tcp', port: ports[0].container } : null,
		dropCapabilities: [],
		shmBytes: null,
		pids: 1024,
		stopTimeoutS: 10,
	}),
	credentials: () => null,
	secretNames: [],
	snippets: [],
}
