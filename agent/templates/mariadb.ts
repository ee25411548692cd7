import { z } from 'zod'
import { Constraints, DEPLOYMENT_FIELDS, Expose, PinnedNode, requirementsOf, resources } from './deployment-options.ts'
import { requiredSecret } from './secrets.ts'
import type { Template } from './template.ts'

const PORT = 3306

/** An unquoted identifier that is safe in URLs, shells and SQL. */
const identifier = (longest: number) =>
	z
		.string()
		.regex(/^[a-z_][a-z0-9_]*$/, 'use lower-case letters, digits and underscores')
		.max(longest, `has more than ${longest} characters`)

/** Schemas and accounts of the server itself. */
const RESERVED_DATABASES = ['mysql', 'sys', 'information_schema', 'performance_schema']
const RESERVED_USERS = ['root', 'mysql', 'healthcheck']

export const MariadbConfig = z.strictObject({
	version: z
		.string()
		.regex(/^1[0-2](\.[0-9]{1,2}){0,2}(-[a-z0-9.]{1,32})?$/, 'is not a MariaDB version; write 11, 11.8 or 12')
		.default('11.8'),
	database: identifier(64)
		.refine((name) => !RESERVED_DATABASES.includes(name), { error: 'is a schema of the server itself' })
		.default('app'),
	username: identifier(32)
		.refine((name) => !RESERVED_USERS.includes(name), { error: 'is an account of the server itself' })
		.default('app'),
	resources: resources({ minMemoryMiB: 192, memoryMiB: 512, cpus: 1 }),
	constraints: Constraints,
	node: PinnedNode,
	expose: Expose,
})
export type MariadbConfig = z.infer<typeof MariadbConfig>

const image = (config: MariadbConfig) => `mariadb:${config.version}`

/** The official image: https://hub.docker.com/_/mariadb */
export const mariadb: Template<MariadbConfig> = {
	type: 'mariadb',
	title: 'MariaDB',
	description: 'A MariaDB database, for all that speaks MySQL, with its own volume and credentials.',
	icon: 'database',
	schema: MariadbConfig,
	fields: [
		{
			path: 'version',
			label: 'Version',
			kind: 'select',
			options: ['11.8', '12', '11.4', '10.11'].map((version) => ({ value: version, label: `MariaDB ${version}` })),
		},
		{ path: 'database', label: 'Database', kind: 'text', placeholder: 'app', advanced: true },
		{ path: 'username', label: 'User', kind: 'text', placeholder: 'app', advanced: true },
		...DEPLOYMENT_FIELDS,
	],
	ports: () => [{ container: PORT, protocol: 'tcp', purpose: 'mysql' }],
	expose: (config) => config.expose,
	requirements: (config) => requirementsOf(config, { image: image(config), replicas: 1, volumes: true }),
	makeSecrets: (_config, random) => ({ password: random(32), rootPassword: random(32) }),
	plan: (config, secrets) => ({
		image: image(config),
		command: [
			'--max-connections=250',
			// half of the memory: the server's own default knows no limit of a container
			`--innodb-buffer-pool-size=${Math.max(64, Math.floor(config.resources.memoryMiB / 2))}M`,
			'--character-set-server=utf8mb4',
		],
		env: {
			MARIADB_DATABASE: config.database,
			MARIADB_USER: config.username,
			MARIADB_PASSWORD: requiredSecret(secrets, 'password'),
			// A random one of the image's own would be printed in the logs.
			MARIADB_ROOT_PASSWORD: requiredSecret(secrets, 'rootPassword'),
			// root from inside the container only
			MARIADB_ROOT_HOST: 'localhost',
			MARIADB_AUTO_UPGRADE: '1',
		},
		volumes: [{ name: 'data', path: '/var/lib/mysql' }],
		healthcheck: {
			// --connect asks over TCP: the server that initialises listens on its socket only, and is not ready
			command: ['healthcheck.sh', '--connect', '--innodb_initialized'],
			intervalMs: 5_000,
			startIntervalMs: 500,
			timeoutMs: 5_000,
			retries: 5,
			// recovery after a crash may replay much
			startPeriodMs: 120_000,
		},
		probe: null,
		dropCapabilities: ['FSETID', 'KILL', 'NET_BIND_SERVICE'],
		shmBytes: null,
		pids: 1024,
		// shutdown writes the buffer pool's dirty pages
		stopTimeoutS: 30,
	}),
	credentials(config, secrets, endpoints) {
		const { database, username } = config
		const password = requiredSecret(secrets, 'password')
		const best = endpoints.find((endpoint) => endpoint.container === PORT)
		return {
			username,
			password,
			database,
			rootPassword: requiredSecret(secrets, 'rootPassword'),
			...(best && {
				connectionString: `mysql://${username}:${encodeURIComponent(password)}@${new URL(best.url).host}/${database}`,
			}),
		}
	},
	secretNames: ['password', 'rootPassword', 'connectionString'],
	snippets: [
		{
			label: 'Node.js',
			language: 'javascript',
			text: `import mysql from 'mysql2/promise'

const pool = mysql.createPool('{connectionString}')
const [rows] = await pool.query('select now()')
console.log(rows)
await pool.end()`,
		},
		{ label: '.env', language: 'bash', text: 'DATABASE_URL={connectionString}' },
	],
}
