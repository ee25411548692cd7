import { describe, expect, it } from 'vitest'
import type { Endpoint } from '../protocol/index.ts'
import { MinioConfig, minio } from './minio.ts'
import { PostgresConfig, postgres } from './postgres.ts'

const endpoint = (container: number, url: string, protocol: Endpoint['protocol'] = 'tcp'): Endpoint => ({
	kind: 'host',
	protocol,
	url,
	container,
	replica: 0,
})

describe('postgres', () => {
	const secrets = { password: 'p-_9' }

	it('follows the official image', () => {
		const plan = postgres.plan(PostgresConfig.parse({}), secrets)
		expect(plan).toMatchObject({
			image: 'postgres:17',
			env: { POSTGRES_USER: 'app', POSTGRES_PASSWORD: 'p-_9', POSTGRES_DB: 'app' },
			volumes: [{ name: 'data', path: '/var/lib/postgresql/data' }],
			shmBytes: 128 * 1024 * 1024,
		})
		expect(plan.command).toEqual(['postgres', '-c', 'max_connections=250', '-c', 'shared_buffers=128MB'])
		expect(plan.env.PGDATA?.startsWith('/var/lib/postgresql/data/')).toBe(true)
		// the server of the image's own initialisation answers on the socket only
		expect(plan.healthcheck?.command.join(' ')).toContain('pg_isready -q -h 127.0.0.1')
		expect(postgres.requirements(PostgresConfig.parse({}))).toMatchObject({ memoryBytes: 512 * 1024 * 1024 })
	})

	it('takes a version as the tag, and nothing else', () => {
		expect(postgres.plan(PostgresConfig.parse({ version: '16.4-alpine' }), secrets).image).toBe('postgres:16.4-alpine')
		for (const version of ['latest', '17@sha256:x', '../x', '9', '17 ', '']) {
			expect(PostgresConfig.safeParse({ version }).success, version).toBe(false)
		}
		for (const wrong of [{ database: 'a b' }, { database: 'template1' }, { username: "a'b" }, { username: 'pg_x' }]) {
			expect(PostgresConfig.safeParse(wrong).success).toBe(false)
		}
	})

	it('cannot be given the environment that the template owns', () => {
		expect(PostgresConfig.safeParse({ env: { POSTGRES_PASSWORD: 'x' } }).error?.issues[0]?.message).toContain('env')
	})

	it('connects to the best endpoint, with TLS where the endpoint speaks it', () => {
		const config = PostgresConfig.parse({ database: 'shop' })
		const credentials = (endpoints: Endpoint[]) => postgres.credentials(config, { password: 'a/b' }, endpoints)
		expect(credentials([endpoint(5432, 'tcp://h:7000'), endpoint(5432, 'tcp://127.0.0.1:1')])).toEqual({
			username: 'app',
			password: 'a/b',
			database: 'shop',
			connectionString: 'postgresql://app:a%2Fb@h:7000/shop',
		})
		expect(credentials([endpoint(5432, 'tcp://[fd00::1]:7000', 'postgres-tls')])?.connectionString).toBe(
			'postgresql://app:a%2Fb@[fd00::1]:7000/shop?sslmode=require',
		)
		expect(credentials([])).not.toHaveProperty('connectionString')
	})

	it('refuses to plan without its password', () => {
		expect(() => postgres.plan(PostgresConfig.parse({}), {})).toThrow('password')
	})
})

describe('minio', () => {
	const secrets = { accessKey: 'LCabc', secretKey: 's3cret' }

	it('runs a pinned release with its keys, asked for health by the agent', () => {
		expect(minio.plan(MinioConfig.parse({}), secrets)).toMatchObject({
			image: expect.stringMatching(/^quay\.io\/minio\/minio:RELEASE\./),
			command: ['server', '/data', '--console-address', ':9001'],
			env: { MINIO_ROOT_USER: 'LCabc', MINIO_ROOT_PASSWORD: 's3cret' },
			healthcheck: null,
			probe: { kind: 'http', port: 9000, path: '/minio/health/live' },
			volumes: [{ name: 'data', path: '/data' }],
		})
		expect(minio.ports(MinioConfig.parse({})).map((port) => port.container)).toEqual([9000, 9001])
	})

	it('gives the S3 endpoint, never the console, to clients', () => {
		const endpoints = [endpoint(9001, 'http://h:2', 'http'), endpoint(9000, 'http://h:1', 'http')]
		expect(minio.credentials(MinioConfig.parse({}), secrets, endpoints)).toEqual({ ...secrets, endpoint: 'http://h:1' })
	})

	it('takes a release as the tag', () => {
		expect(MinioConfig.safeParse({ version: 'latest' }).success).toBe(true)
		expect(MinioConfig.safeParse({ version: 'a:b' }).success).toBe(false)
	})
})
