import { z } from 'zod'
import { Constraints, DEPLOYMENT_FIELDS, Expose, PinnedNode, requirementsOf, resources } from './deployment-options.ts'
import { requiredSecret } from './secrets.ts'
import type { Template } from './template.ts'

const PORT = 5432
const MIB = 1024 * 1024

/** An unquoted SQL identifier: it goes into URLs, shells and SQL without escapes. */
const Identifier = z
	.string()
	.regex(/^[a-z_][a-z0-9_]{0,62}$/, 'use lower-case letters, digits and underscores, at most 63')

export const PostgresConfig = z.strictObject({
	version: z
		.string()
		.regex(/^[1-9][0-9](\.[0-9]{1,2})?(-[a-z0-9.]{1,32})?$/, 'is not a PostgreSQL version; write 17, 17.2 or 17-alpine')
		.default('17'),
	database: Identifier.refine((name) => !name.startsWith('template'), {
		error: 'begins with template, which PostgreSQL keeps for its own databases',
	}).default('app'),
	username: Identifier.refine((name) => !name.startsWith('pg_'), {
		error: 'begins with pg_, which PostgreSQL reserves',
	}).default('app'),
	resources: resources({ minMemoryMiB: 128, memoryMiB: 512, cpus: 1 }),
	constraints: Constraints,
	node: PinnedNode,
	expose: Expose,
})
export type PostgresConfig = z.infer<typeof PostgresConfig>

const image = (config: PostgresConfig) => `postgres:${config.version}`

/** The official image; its options: https://hub.docker.com/_/postgres */
export const postgres: Template<PostgresConfig> = {
	type: 'postgres',
	title: 'PostgreSQL',
	description: 'A PostgreSQL database with its own volume and credentials.',
	icon: 'database',
	schema: PostgresConfig,
	fields: [
		{
			path: 'version',
			label: 'Version',
			kind: 'select',
			options: ['17', '18', '16', '15'].map((version) => ({ value: version, label: `PostgreSQL ${version}` })),
		},
		{ path: 'database', label: 'Database', kind: 'text', placeholder: 'app', advanced: true },
		{ path: 'username', label: 'User', kind: 'text', placeholder: 'app', advanced: true },
		...DEPLOYMENT_FIELDS,
	],
	ports: () => [{ container: PORT, protocol: 'tcp', purpose: 'postgres' }],
	expose: (config) => config.expose,
	requirements: (config) => requirementsOf(config, { image: image(config), replicas: 1, volumes: true }),
	makeSecrets: (_config, random) => ({ password: random(32) }),
	plan(config, secrets) {
		const { memoryMiB } = config.resources
		return {
			image: image(config),
			// A quarter of the memory is PostgreSQL's own advice for shared_buffers; the image's default knows no limit.
			command: [
				'postgres',
				'-c',
				'max_connections=250',
				'-c',
				`shared_buffers=${Math.max(16, Math.floor(memoryMiB / 4))}MB`,
			],
			env: {
				POSTGRES_USER: config.username,
				POSTGRES_PASSWORD: requiredSecret(secrets, 'password'),
				POSTGRES_DB: config.database,
				POSTGRES_INITDB_ARGS: '--data-checksums',
				PGDATA: '/var/lib/postgresql/data/pgdata',
			},
			// Mounted at /data and not above: images before 18 declare a volume there, which would hide ours and lose the
			// data with the container. The sub-folder PGDATA keeps 18, which declares the parent, on our volume too.
			volumes: [{ name: 'data', path: '/var/lib/postgresql/data' }],
			healthcheck: {
				// Over TCP: the server that the image runs while it initialises listens on its socket only, and is not ready.
				command: [
					'pg_isready',
					'-q',
					'-h',
					'127.0.0.1',
					'-p',
					String(PORT),
					'-U',
					config.username,
					'-d',
					config.database,
				],
				intervalMs: 5_000,
				startIntervalMs: 500,
				timeoutMs: 5_000,
				retries: 5,
				// recovery after a crash may replay much
				startPeriodMs: 120_000,
			},
			probe: null,
			dropCapabilities: ['NET_BIND_SERVICE'],
			// parallel queries put their shared segments in /dev/shm; Docker's 64 MiB breaks them
			shmBytes: Math.max(64, Math.floor(memoryMiB / 4)) * MIB,
			pids: 1024,
			// fast shutdown (the image's STOPSIGNAL is SIGINT) still writes a checkpoint
			stopTimeoutS: 30,
		}
	},
	credentials(config, secrets, endpoints) {
		const { database, username } = config
		const password = requiredSecret(secrets, 'password')
		const best = endpoints.find((endpoint) => endpoint.container === PORT)
		const query = best?.protocol === 'postgres-tls' ? '?sslmode=require' : ''
		return {
			username,
			password,
			database,
			// without an endpoint there is no address to give, and half a string would connect to somewhere else
			...(best && {
				connectionString: `postgresql://${username}:${encodeURIComponent(password)}@${new URL(best.url).host}/${database}${query}`,
			}),
		}
	},
	secretNames: ['password', 'connectionString'],
	snippets: [
		{ label: 'psql', language: 'bash', text: "psql '{connectionString}'" },
		{
			label: 'Node.js',
			language: 'javascript',
			text: `import pg from 'pg'

const pool = new pg.Pool({ connectionString: '{connectionString}' })
const { rows } = await pool.query('select now()')
console.log(rows)
await pool.end()`,
		},
		{ label: '.env', language: 'bash', text: 'DATABASE_URL={connectionString}' },
	],
}
