import { z } from 'zod'
import { Constraints, DEPLOYMENT_FIELDS, Expose, PinnedNode, requirementsOf, resources } from './deployment-options.ts'
import { requiredSecret } from './secrets.ts'
import type { Template } from './template.ts'

const PORT = 6379

export const RedisConfig = z.strictObject({
	version: z
		.string()
		.regex(/^[78](\.[0-9]{1,2}){0,2}(-[a-z0-9.]{1,32})?$/, 'is not a Redis version; write 8, 7.4 or 8-alpine')
		.default('8'),
	/** what happens when the memory is full */
	eviction: z.enum(['noeviction', 'allkeys-lru', 'allkeys-lfu', 'volatile-ttl']).default('noeviction'),
	resources: resources({ minMemoryMiB: 32, memoryMiB: 256, cpus: 0.5 }),
	constraints: Constraints,
	node: PinnedNode,
	expose: Expose,
})
export type RedisConfig = z.infer<typeof RedisConfig>

const image = (config: RedisConfig) => `redis:${config.version}`

/**
 * The image takes a password only as an argument, which every user of the machine sees in its process list; a file
 * that the server alone reads does not show. The image's entrypoint then drops root as it always does.
 */
const START =
	'umask 077 && printf \'requirepass "%s"\\n\' "$REDISCLI_AUTH" > /tmp/redis.conf && chown redis /tmp/redis.conf' +
	' && exec docker-entrypoint.sh redis-server /tmp/redis.conf "$@"'

/** The official image: https://hub.docker.com/_/redis */
export const redis: Template<RedisConfig> = {
	type: 'redis',
	title: 'Redis',
	description: 'A Redis store for caches, queues and sessions, kept on its own volume.',
	icon: 'zap',
	schema: RedisConfig,
	fields: [
		{
			path: 'version',
			label: 'Version',
			kind: 'select',
			options: ['8', '7'].map((version) => ({ value: version, label: `Redis ${version}` })),
		},
		{
			path: 'eviction',
			label: 'When memory is full',
			kind: 'select',
			options: [
				{ value: 'noeviction', label: 'Refuse writes (a store)' },
				{ value: 'allkeys-lru', label: 'Drop what was used longest ago (a cache)' },
				{ value: 'allkeys-lfu', label: 'Drop what is used least (a cache)' },
				{ value: 'volatile-ttl', label: 'Drop what expires first' },
			],
		},
		...DEPLOYMENT_FIELDS,
	],
	ports: () => [{ container: PORT, protocol: 'tcp', purpose: 'redis' }],
	expose: (config) => config.expose,
	requirements: (config) => requirementsOf(config, { image: image(config), replicas: 1, volumes: true }),
	makeSecrets: (_config, random) => ({ password: random(40) }),
	plan: (config, secrets) => ({
		image: image(config),
		// An append-only file is rewritten by a forked copy: the quarter left free is for what changes meanwhile.
		command: [
			'sh',
			'-c',
			START,
			'redis',
			'--appendonly',
			'yes',
			'--maxmemory',
			`${Math.floor(config.resources.memoryMiB * 0.75)}mb`,
			'--maxmemory-policy',
			config.eviction,
		],
		// redis-cli reads its password from here, so that neither the health check nor a shell has to give it
		env: { REDISCLI_AUTH: requiredSecret(secrets, 'password') },
		volumes: [{ name: 'data', path: '/data' }],
		healthcheck: {
			// -e: an error reply (still loading, wrong password) is a failure and not an answer
			command: ['redis-cli', '-e', 'ping'],
			intervalMs: 5_000,
			startIntervalMs: 500,
			timeoutMs: 3_000,
			retries: 5,
			// a large append-only file is replayed before it answers
			startPeriodMs: 60_000,
		},
		probe: null,
		dropCapabilities: ['FOWNER', 'FSETID', 'KILL', 'NET_BIND_SERVICE'],
		shmBytes: null,
		pids: 256,
		// the last second of writes is flushed at shutdown
		stopTimeoutS: 15,
	}),
	credentials(_config, secrets, endpoints) {
		const password = requiredSecret(secrets, 'password')
		const best = endpoints.find((endpoint) => endpoint.container === PORT)
		return {
			password,
			...(best && {
				connectionString: `redis://default:${encodeURIComponent(password)}@${new URL(best.url).host}/0`,
			}),
		}
	},
	secretNames: ['password', 'connectionString'],
	snippets: [
		{ label: 'redis-cli', language: 'bash', text: "redis-cli -u '{connectionString}' ping" },
		{
			label: 'Node.js',
			language: 'javascript',
			text: `import { createClient } from 'redis'

const client = await createClient({ url: '{connectionString}' }).connect()
await client.set('hello', 'world')
console.log(await client.get('hello'))
await client.close()`,
		},
		{ label: '.env', language: 'bash', text: 'REDIS_URL={connectionString}' },
	],
}
