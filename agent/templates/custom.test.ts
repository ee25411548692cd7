import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LatticeError, parseInput } from '../protocol/index.ts'
import { CustomConfig, custom } from './custom.ts'

const parse = (config: object) => parseInput(CustomConfig, { image: 'nginx', ...config }, ['config'])

function message(config: object): string {
	try {
		parse(config)
	} catch (error) {
		if (error instanceof LatticeError && error.code === 'INVALID_INPUT') return error.message
		throw error
	}
	throw new Error(`accepted ${JSON.stringify(config)}`)
}

describe('custom', () => {
	it('turns a whole config into a plan', () => {
		const config = parse({
			command: ['serve', '--port', '8080'],
			env: { GREETING: 'hi there', EMPTY: '' },
			ports: [{ container: 8080, protocol: 'http' }],
			volumes: [{ name: 'data', path: '/var/lib/data' }],
			healthcheck: { command: ['true'], intervalSeconds: 2 },
			resources: { memoryMiB: 64 },
		})
		expect(custom.plan(config, {})).toMatchObject({
			image: 'nginx:latest',
			command: ['serve', '--port', '8080'],
			env: { GREETING: 'hi there', EMPTY: '' },
			volumes: [{ name: 'data', path: '/var/lib/data' }],
			healthcheck: { command: ['true'], intervalMs: 2000, timeoutMs: 5000, retries: 3, startPeriodMs: 30_000 },
			probe: null,
		})
		expect(custom.requirements(config)).toMatchObject({ memoryBytes: 64 * 1024 * 1024, cpus: 0.5, volumes: true })
	})

	it('dials the first port when it has no check, and nothing when it has no port', () => {
		expect(custom.plan(parse({ ports: [{ container: 81, protocol: 'tcp' }] }), {}).probe).toEqual({
			kind: 'tcp',
			port: 81,
		})
		expect(custom.plan(parse({}), {})).toMatchObject({ probe: null, command: null, healthcheck: null })
	})

	it.each([
		[{ image: 'Not An Image' }, 'config.image'],
		[{ env: { '1X': 'a' } }, 'config.env.1X'],
		[{ env: { 'A-B': 'a' } }, 'config.env.A-B'],
		[{ env: { 'A=B': 'a' } }, 'config.env'],
		[{ env: { A: 'a\0b' } }, 'config.env.A'],
		[{ env: { A: 5 } }, 'config.env.A'],
		[{ env: { A: 'x'.repeat(65_536) } }, '64 KiB'],
		[{ env: { A: 'é'.repeat(32_768) } }, '64 KiB'],
		[{ command: ['a\0'] }, 'config.command.0'],
		[{ command: 'sleep 5' }, 'config.command'],
		[{ ports: [{ container: 0, protocol: 'tcp' }] }, 'config.ports.0.container'],
		[{ ports: [{ container: 65_536, protocol: 'tcp' }] }, 'config.ports.0.container'],
		[{ ports: [{ container: 80, protocol: 'udp' }] }, 'config.ports.0.protocol'],
		[{ ports: [{ container: 80, protocol: 'tcp', host: 80 }] }, 'host'],
		[
			{
				ports: [
					{ container: 80, protocol: 'tcp' },
					{ container: 80, protocol: 'http' },
				],
			},
			'twice',
		],
		[{ ports: Array.from({ length: 21 }, (_, i) => ({ container: i + 1, protocol: 'tcp' })) }, 'more than 20'],
		[{ replicas: 0 }, 'config.replicas'],
		[{ replicas: 101 }, 'config.replicas'],
		[{ replicas: 2, volumes: [{ name: 'a', path: '/a' }] }, 'config.replicas: must be 1'],
		[
			{
				volumes: [
					{ name: 'a', path: '/a' },
					{ name: 'a', path: '/b' },
				],
			},
			'same volume twice',
		],
		[
			{
				volumes: [
					{ name: 'a', path: '/a' },
					{ name: 'b', path: '/a' },
				],
			},
			'same path twice',
		],
		[{ volumes: [{ name: '../a', path: '/a' }] }, 'config.volumes.0.name'],
		[{ healthcheck: { command: [] } }, 'config.healthcheck.command'],
		[{ healthcheck: { command: ['a'], retries: 0 } }, 'config.healthcheck.retries'],
		[{ privileged: true }, 'privileged'],
		[{ labels: { 'lattice.node': 'x' } }, 'labels'],
	])('refuses %j and says %s', (config, text) => {
		expect(message(config)).toContain(text)
	})

	it.each([
		'/',
		'/proc',
		'/proc/self',
		'/sys',
		'/dev/shm',
		'/etc',
		'/etc/hosts',
		'data',
		'',
		'/a/../proc',
		'/a//b',
		'/a/',
		'/a:ro',
		'/a,b',
		'/a\nb',
		'/./proc',
	])('refuses the mount path %j', (path) => {
		expect(message({ volumes: [{ name: 'a', path }] })).toContain('config.volumes.0.path')
	})

	it.each(['/data', '/etc/myapp', '/process', '/developer', '/usr/share/nginx/html', '/a.b/c-d_e'])(
		'takes the mount path %s',
		(path) => {
			expect(parse({ volumes: [{ name: 'a', path }] }).volumes[0]?.path).toBe(path)
		},
	)

	it('takes exactly the environment keys of POSIX', () => {
		fc.assert(
			fc.property(fc.string({ minLength: 1, maxLength: 12 }), (key) => {
				// as JSON has it: a literal's __proto__ would set the prototype
				const env = JSON.parse(`{${JSON.stringify(key)}: "v"}`)
				expect(CustomConfig.safeParse({ image: 'a', env }).success).toBe(/^[A-Za-z_][A-Za-z0-9_]*$/.test(key))
			}),
			{ examples: [['__proto__'], ['constructor'], ['A'], ['A B'], ['A\n']] },
		)
	})
})
