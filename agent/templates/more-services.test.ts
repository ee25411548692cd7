import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Endpoint } from '../protocol/index.ts'
import { MariadbConfig, mariadb } from './mariadb.ts'
import { MongoConfig, mongo } from './mongo.ts'
import { NginxConfig, nginx } from './nginx.ts'
import { RedisConfig, redis } from './redis.ts'

const endpoint = (container: number, url: string): Endpoint => ({
	kind: 'gateway',
	protocol: 'tcp',
	url,
	container,
	replica: null,
})

describe('redis', () => {
	const secrets = { password: 'p-_9' }
	const plan = redis.plan(RedisConfig.parse({ eviction: 'allkeys-lru' }), secrets)

	it('keeps its data, stays below its memory and shows its password in no process list', () => {
		expect(plan).toMatchObject({
			image: 'redis:8',
			env: { REDISCLI_AUTH: 'p-_9' },
			volumes: [{ name: 'data', path: '/data' }],
			healthcheck: { command: ['redis-cli', '-e', 'ping'] },
		})
		expect(plan.command?.slice(4)).toEqual([
			'--appendonly',
			'yes',
			'--maxmemory',
			'192mb',
			'--maxmemory-policy',
			'allkeys-lru',
		])
		expect(plan.command?.join(' ')).not.toContain('p-_9')
	})

	describe('its start', () => {
		const bin = mkdtempSync(join(tmpdir(), 'lattice-redis-'))
		beforeAll(() => {
			for (const [name, text] of [
				['docker-entrypoint.sh', 'printf "%s " "$@"; cat "$2"'],
				['chown', ''],
			] as const) {
				writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`)
				chmodSync(join(bin, name), 0o755)
			}
		})
		afterAll(() => rmSync(bin, { recursive: true, force: true }))

		it('hands the image a file that only the server reads, then its own options', () => {
			const [shell = '', ...words] = plan.command ?? []
			const here = words.map((word) => word.replaceAll('/tmp/redis.conf', join(bin, 'redis.conf')))
			const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, REDISCLI_AUTH: 'p-_9' }
			const output = execFileSync(shell, here, { env, encoding: 'utf8' })
			expect(output).toMatch(/^redis-server \S+redis\.conf --appendonly yes .*allkeys-lru requirepass "p-_9"\n$/)
			expect(readFileSync(join(bin, 'redis.conf'), 'utf8')).toBe('requirepass "p-_9"\n')
		})
	})

	it('gives the URL that clients take', () => {
		const credentials = redis.credentials(RedisConfig.parse({}), { password: 'a/b' }, [endpoint(6379, 'tcp://h:7000')])
		expect(credentials?.connectionString).toBe('redis://default:a%2Fb@h:7000/0')
		expect(redis.credentials(RedisConfig.parse({}), secrets, [])).toEqual({ password: 'p-_9' })
	})

	it('takes versions and policies that exist', () => {
		for (const version of ['8', '7.4', '8.2.1-alpine']) expect(RedisConfig.safeParse({ version }).success).toBe(true)
		for (const wrong of [{ version: 'latest' }, { version: '6' }, { eviction: 'random' }])
			expect(RedisConfig.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false)
	})
})

describe('mariadb', () => {
	const secrets = { password: 'pw', rootPassword: 'rootpw' }

	it('follows the official image, root from inside only', () => {
		const plan = mariadb.plan(MariadbConfig.parse({ resources: { memoryMiB: 1024 } }), secrets)
		expect(plan).toMatchObject({
			image: 'mariadb:11.8',
			env: { MARIADB_DATABASE: 'app', MARIADB_USER: 'app', MARIADB_PASSWORD: 'pw', MARIADB_ROOT_HOST: 'localhost' },
			volumes: [{ name: 'data', path: '/var/lib/mysql' }],
			healthcheck: { command: ['healthcheck.sh', '--connect', '--innodb_initialized'] },
		})
		expect(plan.command).toContain('--innodb-buffer-pool-size=512M')
	})

	it('gives the URL of the application, never of root', () => {
		const config = MariadbConfig.parse({ database: 'shop' })
		expect(mariadb.credentials(config, secrets, [endpoint(3306, 'tcp://[fd00::1]:7000')])?.connectionString).toBe(
			'mysql://app:pw@[fd00::1]:7000/shop',
		)
	})

	it("refuses the server's own names", () => {
		for (const wrong of [{ username: 'root' }, { database: 'mysql' }, { database: 'a`b' }, { version: '9' }])
			expect(MariadbConfig.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false)
	})
})

describe('mongo', () => {
	it('is ready when it is dialled at its address, and authenticates against admin', () => {
		const config = MongoConfig.parse({})
		expect(mongo.plan(config, { password: 'pw' })).toMatchObject({
			image: 'mongo:8',
			env: { MONGO_INITDB_ROOT_USERNAME: 'app', MONGO_INITDB_ROOT_PASSWORD: 'pw' },
			probe: { kind: 'tcp', port: 27017 },
		})
		expect(mongo.credentials(config, { password: 'pw' }, [endpoint(27017, 'tcp://h:1')])?.connectionString).toBe(
			'mongodb://app:pw@h:1/app?authSource=admin',
		)
		expect(MongoConfig.safeParse({ database: 'admin' }).success).toBe(false)
	})
})

describe('nginx', () => {
	const site = (config: object) => nginx.plan(NginxConfig.parse(config), {}).env.NGINX_SITE ?? ''

	it('serves its volume, or forwards and then has none', () => {
		expect(site({})).toContain('root /usr/share/nginx/html;')
		expect(nginx.plan(NginxConfig.parse({}), {}).volumes).toHaveLength(1)
		expect(site({ upstream: 'http://api:8080' })).toContain('set $upstream http://api:8080;')
		expect(nginx.requirements(NginxConfig.parse({ upstream: 'http://api:8080' })).volumes).toBe(false)
	})

	it('takes no upstream that could say more than where to', () => {
		for (const upstream of ['http://a;b', 'http://a/path', 'http://a$b', 'ftp://a', 'http://a b', 'http://a:0', ''])
			expect(NginxConfig.safeParse({ upstream }).success, upstream).toBe(false)
	})
})
