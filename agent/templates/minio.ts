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
import { ImageTag } from './image-reference.ts'
import { requiredSecret } from './secrets.ts'
import type { Template } from './template.ts'

const API_PORT = 9000
const CONSOLE_PORT = 9001

/** The last release that was published as an image; Docker Hub's minio/minio is gone, quay.io keeps it. */
const RELEASE = 'RELEASE.2025-09-07T16-13-09Z'

export const MinioConfig = z.strictObject({
	version: ImageTag.default(RELEASE),
	resources: resources({ minMemoryMiB: 128, memoryMiB: 512, cpus: 1 }),
	constraints: Constraints,
	node: PinnedNode,
	expose: Expose,
	domains: Domains,
})
export type MinioConfig = z.infer<typeof MinioConfig>

const image = (config: MinioConfig) => `quay.io/minio/minio:${config.version}`

export const minio: Template<MinioConfig> = {
	type: 'minio',
	title: 'MinIO',
	description: 'S3-compatible object storage with its own volume, keys and web console.',
	icon: 'archive',
	schema: MinioConfig,
	fields: [
		{ path: 'version', label: 'Release', kind: 'text', placeholder: RELEASE, advanced: true },
		...DEPLOYMENT_FIELDS,
		DOMAINS_FIELD,
	],
	ports: () => [
		{ container: API_PORT, protocol: 'http', purpose: 's3' },
		{ container: CONSOLE_PORT, protocol: 'http', purpose: 'console' },
	],
	expose: (config) => config.expose,
	domains: (config) => config.domains,
	requirements: (config) => requirementsOf(config, { image: image(config), replicas: 1, volumes: true }),
	// S3 clients' own form of access keys: 20 characters that begin with a letter (a leading dash reads as an option)
	makeSecrets: (_config, random) => ({ accessKey: `LC${random(18)}`, secretKey: random(40) }),
	plan: (config, secrets) => ({
		image: image(config),
		command: ['server', '/data', '--console-address', `:${CONSOLE_PORT}`],
		env: {
			MINIO_ROOT_USER: requiredSecret(secrets, 'accessKey'),
			MINIO_ROOT_PASSWORD: requiredSecret(secrets, 'secretKey'),
			// outbound: neither update checks nor telemetry
			MINIO_UPDATE: 'off',
			MINIO_CALLHOME_ENABLE: 'off',
		},
		volumes: [{ name: 'data', path: '/data' }],
		// the image promises no curl, so nothing inside can ask; the agent does
		healthcheck: null,
		probe: { kind: 'http', port: API_PORT, path: '/minio/health/live' },
		// one Go process as root on its own volume: it changes no users and no owners
		dropCapabilities: ['CHOWN', 'FOWNER', 'FSETID', 'SETUID', 'SETGID', 'KILL', 'NET_BIND_SERVICE'],
		shmBytes: null,
		pids: 1024,
		stopTimeoutS: 15,
	}),
	credentials: (_config, secrets, endpoints) => {
		const best = endpoints.find((endpoint) => endpoint.container === API_PORT)
		return {
			accessKey: requiredSecret(secrets, 'accessKey'),
			secretKey: requiredSecret(secrets, 'secretKey'),
			...(best && { endpoint: best.url }),
		}
	},
	secretNames: ['secretKey'],
	snippets: [
		{
			label: 'AWS CLI',
			language: 'bash',
			text: `export AWS_ACCESS_KEY_ID='{accessKey}' AWS_SECRET_ACCESS_KEY='{secretKey}' AWS_DEFAULT_REGION=us-east-1
aws --endpoint-url '{endpoint}' s3 mb s3://my-bucket
aws --endpoint-url '{endpoint}' s3 cp ./file.txt s3://my-bucket/
aws --endpoint-url '{endpoint}' s3 ls s3://my-bucket`,
		},
		{
			label: 'Node.js',
			language: 'javascript',
			text: `import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'

const s3 = new S3Client({
	endpoint: '{endpoint}',
	region: 'us-east-1',
	forcePathStyle: true,
	credentials: { accessKeyId: '{accessKey}', secretAccessKey: '{secretKey}' },
})
await s3.send(new CreateBucketCommand({ Bucket: 'my-bucket' }))
await s3.send(new PutObjectCommand({ Bucket: 'my-bucket', Key: 'hello.txt', Body: 'hello' }))`,
		},
	],
}
