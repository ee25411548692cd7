import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { json, startFakeEngine } from '../../tests/contracts/fake-engine.ts'
import { defaultDockerHost, parseDockerHost } from './docker-host.ts'
import { DockerRuntime } from './docker-runtime.ts'
import { EngineConnection, knowsApi, negotiatedApi } from './engine-connection.ts'
import { withoutQueries } from './engine-errors.ts'

describe('an engine that cannot be used', () => {
	it('names the socket that is not there, and what to do', async () => {
		const runtime = new DockerRuntime({ dockerHost: 'unix:///tmp/lattice-no-such.sock' })
		await expect(runtime.info()).rejects.toMatchObject({
			code: 'ENGINE_UNAVAILABLE',
			message: expect.stringMatching(/\/tmp\/lattice-no-such\.sock.*systemctl start docker.*--docker-host/),
			facts: { reason: 'ENOENT' },
		})
		// every operation says the same
		await expect(runtime.stop('a', 1)).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
		await expect(runtime.hasImage('a')).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
		await expect(runtime.pull('a', () => undefined)).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
		const events = runtime.events({}, new AbortController().signal)[Symbol.asyncIterator]()
		await expect(events.next()).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
	})

	it('names a socket that nothing listens on, and a port', async () => {
		const folder = await mkdtemp(join(tmpdir(), 'lattice-engine-'))
		try {
			const file = join(folder, 'docker.sock')
			await writeFile(file, '')
			await chmod(file, 0o600)
			await expect(new DockerRuntime({ dockerHost: `unix://${file}` }).info()).rejects.toMatchObject({
				code: 'ENGINE_UNAVAILABLE',
				facts: { reason: 'ECONNREFUSED', address: file },
			})
		} finally {
			await rm(folder, { recursive: true })
		}
		await expect(new DockerRuntime({ dockerHost: 'tcp://127.0.0.1:1' }).info()).rejects.toMatchObject({
			code: 'ENGINE_UNAVAILABLE',
			message: expect.stringContaining('127.0.0.1:1 is not running'),
		})
	})

	it('says that an engine is too old', async () => {
		await using engine = await startFakeEngine({ version: { Version: '19.03.1', ApiVersion: '1.40' } })
		await expect(new DockerRuntime({ dockerHost: engine.dockerHost }).info()).rejects.toMatchObject({
			code: 'ENGINE_UNAVAILABLE',
			message: expect.stringMatching(/19\.03\.1.*20\.10/),
		})
	})

	it('gives up on an engine that hangs', async () => {
		await using engine = await startFakeEngine()
		const connection = new EngineConnection(engine.dockerHost)
		await expect(connection.request({ path: '/containers/json', timeoutMs: 50 })).rejects.toMatchObject({
			code: 'ENGINE_UNAVAILABLE',
			facts: { reason: 'ETIMEDOUT' },
		})
	})

	it('is asked again after it was away', async () => {
		const engine = await startFakeEngine({ answer: (_request, response) => json(response, 200, []) })
		const runtime = new DockerRuntime({ dockerHost: engine.dockerHost })
		expect(await runtime.list({})).toEqual([])
		await engine[Symbol.asyncDispose]()
		await expect(runtime.list({})).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
	})

	it('ends the events with an error when it goes away, and without one when they were aborted', async () => {
		const engine = await startFakeEngine({
			answer(_request, response) {
				const attributes = { 'lattice.node': 'n', image: 'x' }
				const event = { Action: 'start', Actor: { ID: 'c1', Attributes: attributes }, timeNano: 1.7e18 }
				response.write(`${JSON.stringify(event)}\n`)
			},
		})
		const runtime = new DockerRuntime({ dockerHost: engine.dockerHost })
		const seen: unknown[] = []
		const abort = new AbortController()
		for await (const event of runtime.events({}, abort.signal)) {
			seen.push(event)
			abort.abort()
		}
		expect(seen).toEqual([
			{
				kind: 'container',
				action: 'start',
				containerId: 'c1',
				labels: { 'lattice.node': 'n' },
				at: '2023-11-14T22:13:20.000Z',
			},
		])
		const watching = (async () => {
			for await (const _event of runtime.events({}, new AbortController().signal)) await engine[Symbol.asyncDispose]()
		})()
		await expect(watching).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
	})
})

describe('the spoken API', () => {
	it.each([
		['1.41', '1.12', [1, 41]],
		['1.44', '1.24', [1, 44]],
		['1.47', '1.24', [1, 47]],
		['1.52', '1.44', [1, 47]],
		['1.60', '1.50', [1, 50]],
		['1.40', '1.12', null],
		['', undefined, null],
	])('is, of an engine with %s (oldest %s), %j', (ApiVersion, MinAPIVersion, api) => {
		expect(negotiatedApi({ ApiVersion, MinAPIVersion })).toEqual(api)
	})

	it('is in every path', async () => {
		await using engine = await startFakeEngine({ answer: (_request, response) => json(response, 200, []) })
		const runtime = new DockerRuntime({ dockerHost: engine.dockerHost })
		expect(await runtime.info()).toMatchObject({ version: '28.0.0', arch: 'amd64', cpus: 4, images: [] })
		expect(engine.requests).toEqual(['/version', '/v1.47/info', '/v1.47/images/json'])
		expect(knowsApi({ api: [1, 44], swapLimit: true, runtime: 'runc', openFiles: 1 }, 1, 44)).toBe(true)
	})
})

describe('a Docker host', () => {
	it('is a socket or an address, whatever DOCKER_HOST says', () => {
		expect(parseDockerHost('unix:///run/a.sock', { DOCKER_HOST: 'tcp://x:1' })).toEqual({
			address: '/run/a.sock',
			options: { socketPath: '/run/a.sock', host: undefined, protocol: 'http' },
			local: true,
		})
		expect(parseDockerHost('tcp://10.77.0.2', {})).toMatchObject({
			address: '10.77.0.2:2375',
			options: { protocol: 'http' },
		})
		expect(parseDockerHost('tcp://h:2376', {})).toMatchObject({ options: { protocol: 'https', port: '2376' } })
	})

	it.each(['', 'docker.sock', 'ssh://me@host', 'unix://', 'tcp://', 'tcp://h:99999', 'tcp://h/path', 'ftp://h'])(
		'is not %j',
		(text) => {
			expect(() => parseDockerHost(text, {})).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
		},
	)

	it('is by default the one of the docker CLI', () => {
		expect(defaultDockerHost({ DOCKER_HOST: 'tcp://h:1' })).toBe('tcp://h:1')
		expect(defaultDockerHost({}, () => false)).toBe('unix:///var/run/docker.sock')
		const rootless = (path: unknown) => path === '/run/user/1/docker.sock'
		expect(defaultDockerHost({ XDG_RUNTIME_DIR: '/run/user/1' }, rootless)).toBe('unix:///run/user/1/docker.sock')
	})
})

describe("an engine's words", () => {
	it('lose the query strings of URLs, which registries sign', () => {
		expect(withoutQueries('Get "https://cdn.test/blob?sig=SECRET&x=1": EOF')).toBe('Get "https://cdn.test/blob?…": EOF')
	})
})
