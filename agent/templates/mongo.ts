import { z } from 'zod'
import { Constraints, DEPLOYMENT_FIELDS, Expose, PinnedNode, requirementsOf, resources } from './deployment-options.ts'
import { requiredSecret } from './secrets.ts'
import type { Template } from './template.ts'

const PORT = 27017

const Name = z.string().regex(/^[a-z_][a-z0-9_]{0,37}$/, 'use lower-case letters, digits and underscores, at most 38')

export const MongoConfig = z.strictObject({
	version: z
		.string()
		.regex(/^[678](\.[0-9]{1,2}){0,2}(-[a-z0-9.]{1,32})?$/, 'is not a MongoDB version; write 8, 8.0 or 7.0.14')
		.default('8'),
	database: Name.refine((name) => !['admin', 'local', 'config'].includes(name), {
		error: 'is a database of the server itself',
	}).default('app'),
	username: Name.default('app'),
	resources: resources({ minMemoryMiB: 256, memoryMiB: 1024, cpus: 1 }),
	constraints: Constraints,
	node: PinnedNode,
	expose: Expose,
})
export type MongoConfig = z.infer<typeof MongoConfig>

const image = (config: MongoConfig) => `mongo:${config.version}`

/** The official image: https://hub.docker.com/_/mongo. On x86 it wants a processor with AVX. */
export const mongo: Template<MongoConfig> = {
	type: 'mongo',
	title: 'MongoDB',
	description: 'A MongoDB document database with its own volume and credentials.',
	icon: 'leaf',
	schema: MongoConfig,
	fields: [
		{
			path: 'version',
			label: 'Version',
			kind: 'select',
			options: ['8', '7'].map((version) => ({ value: version, label: `MongoDB ${version}` })),
		},
		{ path: 'database', label: 'Database', kind: 'text', placeholder: 'app', advanced: true },
		{ path: 'username', label: 'User', kind: 'text', placeholder: 'app', advanced: true },
		...DEPLOYMENT_FIELDS,
	],
	ports: () => [{ container: PORT, protocol: 'tcp', purpose: 'mongodb' }],
	expose: (config) => config.expose,
	requirements: (config) => requirementsOf(config, { image: image(config), replicas: 1, volumes: true }),
	makeSecrets: (_config, random) => ({ password: random(32) }),
	plan: (config, secrets) => ({
		image: image(config),
		// the server sizes its cache by the container's memory limit itself
		command: ['mongod', '--bind_ip_all'],
		env: {
			MONGO_INITDB_ROOT_USERNAME: config.username,
			MONGO_INITDB_ROOT_PASSWORD: requiredSecret(secrets, 'password'),
			MONGO_INITDB_DATABASE: config.database,
		},
		volumes: [
			{ name: 'data', path: '/data/db' },
			{ name: 'config', path: '/data/configdb' },
		],
		// The image's only client is a Node.js shell: started every few seconds it would cost more than the database.
		// The server that initialises listens on 127.0.0.1 only, so that a dial at the container's address means ready.
		healthcheck: null,
		probe: { kind: 'tcp', port: PORT },
		dropCapabilities: ['FSETID', 'KILL', 'NET_BIND_SERVICE'],
		shmBytes: null,
		pids: 1024,
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
			...(best && {
				connectionString: `mongodb://${username}:${encodeURIComponent(password)}@${new URL(best.url).host}/${database}?authSource=admin`,
			}),
		}
	},
	secretNames: ['password', 'connectionString'],
	snippets: [
		{ label: 'mongosh', language: 'bash', text: "mongosh '{connectionString}'" },
		{
			label: 'Node.js',
			language: 'javascript',
			text: `import { MongoClient } from 'mongodb'

const client = await MongoClient.connect('{connectionString}')
await client.db().collection('greetings').insertOne({ hello: 'world' })
await client.close()`,
		},
		{ label: '.env', language: 'bash', text: 'MONGODB_URI={connectionString}' },
	],
}
