import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { json, startFakeEngine } from '../../tests/contracts/fake-engine.ts'
import type { PullProgress } from '../protocol/index.ts'
import { DockerRuntime } from './docker-runtime.ts'
import { EngineRefusal } from './engine-errors.ts'
import { pullFailure } from './images.ts'
import { PullCounter, type PullMessage } from './pull-progress.ts'

describe('a failed pull', () => {
	// words of engines 20.10 to 28, with and without the containerd image store
	it.each([
		[
			'IMAGE_NOT_FOUND',
			404,
			"pull access denied for nope, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
		],
		['IMAGE_NOT_FOUND', 404, 'manifest for nginx:nope not found: manifest unknown: manifest unknown'],
		['IMAGE_NOT_FOUND', 500, 'manifest unknown'],
		[
			'IMAGE_NOT_FOUND',
			500,
			'failed to resolve reference "docker.io/library/nginx:nope": docker.io/library/nginx:nope: not found',
		],
		['IMAGE_NOT_FOUND', 500, 'unauthorized: authentication required'],
		['IMAGE_NOT_FOUND', 500, 'Head "https://ghcr.io/v2/a/b/manifests/1": denied: denied'],
		['IMAGE_NOT_FOUND', 404, 'repository name not known to registry: name unknown'],
		[
			'REGISTRY_UNREACHABLE',
			500,
			'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io on 127.0.0.53:53: no such host',
		],
		['REGISTRY_UNREACHABLE', 500, 'Get "https://quay.io/v2/": dial tcp 1.2.3.4:443: connect: connection refused'],
		[
			'REGISTRY_UNREACHABLE',
			500,
			'Get "https://registry-1.docker.io/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
		],
		['REGISTRY_UNREACHABLE', 500, 'Get "https://registry-1.docker.io/v2/": context deadline exceeded'],
		['REGISTRY_UNREACHABLE', 500, 'Get "https://10.77.0.1:5000/v2/": http: server gave HTTP response to HTTPS client'],
		['REGISTRY_UNREACHABLE', 500, 'Get "https://r.test/v2/": x509: certificate signed by unknown authority'],
		['REGISTRY_UNREACHABLE', 500, 'toomanyrequests: You have reached your pull rate limit.'],
		['REGISTRY_UNREACHABLE', 500, 'received unexpected HTTP status: 503 Service Unavailable'],
		['REGISTRY_UNREACHABLE', 500, 'unexpected EOF'],
		['DISK_FULL', 500, 'failed to register layer: write /usr/lib/x: no space left on device'],
		['IMAGE_UNSUITABLE', 500, 'no matching manifest for linux/arm64/v8 in the manifest list entries'],
		['INVALID_INPUT', 400, 'invalid reference format'],
	])('is %s: %i %s', (code, status, reason) => {
		const error = pullFailure('nginx:1', new EngineRefusal(status, reason))
		expect(error.code).toBe(code)
		expect(error.message).toMatch(/\.$/)
	})
})

describe('progress', () => {
	const layer = (id: number) => id.toString(16).padStart(12, '0')

	it('adds the layers up', () => {
		const counter = new PullCounter('a:1')
		const messages: PullMessage[] = [
			{ status: 'Pulling from library/a', id: '1' },
			{ status: 'Already exists', id: layer(1) },
			{ status: 'Pulling fs layer', id: layer(2) },
			{ status: 'Waiting', id: layer(3) },
			{ status: 'Downloading', id: layer(2), progressDetail: { current: 50, total: 100 } },
		]
		for (const message of messages) counter.add(message)
		// layer 3 has no size yet and counts as one like layer 2
		expect(counter.snapshot()).toEqual({
			image: 'a:1',
			currentBytes: 50,
			totalBytes: 100,
			percent: 25,
			layersDone: 1,
			layers: 3,
		})
		counter.add({ status: 'Pull complete', id: layer(2) })
		counter.add({ status: 'Downloading', id: layer(3), progressDetail: { current: 100, total: 300 } })
		expect(counter.snapshot()).toMatchObject({ currentBytes: 200, totalBytes: 400, percent: 50, layersDone: 2 })
		expect(counter.snapshot(true)).toMatchObject({ percent: 100, layersDone: 3, layers: 3 })
	})

	it('never falls, never passes 99 before the end, never counts more than there is', () => {
		const message = fc.record({
			id: fc.integer({ min: 1, max: 4 }).map(layer),
			status: fc.constantFrom(
				'Pulling fs layer',
				'Waiting',
				'Downloading',
				'Verifying Checksum',
				'Download complete',
				'Extracting',
				'Pull complete',
				'Already exists',
				'Retrying in 1 second',
			),
			progressDetail: fc.record({ current: fc.nat(500), total: fc.nat(500) }, { requiredKeys: [] }),
		})
		fc.assert(
			fc.property(fc.array(message, { maxLength: 60 }), (messages) => {
				const counter = new PullCounter('a:1')
				let before = 0
				for (const each of messages) {
					counter.add(each)
					const { percent, currentBytes, totalBytes, layers, layersDone } = counter.snapshot()
					expect(percent).toBeGreaterThanOrEqual(before)
					expect(percent).toBeLessThanOrEqual(99)
					expect(currentBytes).toBeLessThanOrEqual(totalBytes)
					expect(layersDone).toBeLessThanOrEqual(layers)
					before = percent
				}
			}),
		)
	})

	it('is reported at most ten times a second', async () => {
		await using engine = await startFakeEngine({
			answer(_request, response) {
				for (let current = 0; current <= 5000; current++) {
					const progress = { status: 'Downloading', id: layer(1), progressDetail: { current, total: 5000 } }
					response.write(`${JSON.stringify(progress)}\r\n`)
				}
				response.end()
			},
		})
		const reports: PullProgress[] = []
		const started = performance.now()
		await new DockerRuntime({ dockerHost: engine.dockerHost }).pull('a:1', (progress) => reports.push(progress))
		expect(reports.length).toBeLessThanOrEqual(2 + (performance.now() - started) / 100)
		expect(reports.at(-1)?.percent).toBe(100)
	})
})

describe('a pull', () => {
	const digest = `sha256:${'ab'.repeat(32)}`

	it.each([
		['nginx', 'fromImage=nginx&tag=latest'],
		['docker.io/library/nginx:1', 'fromImage=nginx&tag=1'],
		['127.0.0.1:5000/team/app', 'fromImage=127.0.0.1%3A5000%2Fteam%2Fapp&tag=latest'],
		[`nginx:1@${digest}`, `fromImage=nginx&tag=${encodeURIComponent(digest)}`],
		[`127.0.0.1:5000/a@${digest}`, `fromImage=127.0.0.1%3A5000%2Fa&tag=${encodeURIComponent(digest)}`],
	])('of %s asks for exactly one image', async (image, query) => {
		await using engine = await startFakeEngine({ answer: (_request, response) => void response.end() })
		await new DockerRuntime({ dockerHost: engine.dockerHost }).pull(image, () => undefined)
		expect(engine.requests.at(-1)).toBe(`/v1.47/images/create?${query}`)
	})

	it('fails when the engine says so in the middle of it', async () => {
		await using engine = await startFakeEngine({
			answer(_request, response) {
				response.write('{"status":"Pulling fs layer","id":"000000000001"}\r\n')
				response.end('{"errorDetail":{"message":"write /x: no space left on device"},"error":"write /x"}\r\n')
			},
		})
		const pull = new DockerRuntime({ dockerHost: engine.dockerHost }).pull('a', () => undefined)
		await expect(pull).rejects.toMatchObject({ code: 'DISK_FULL' })
	})

	it('fails when the engine goes away in the middle of it', async () => {
		await using engine = await startFakeEngine({
			answer(_request, response) {
				response.write('{"status":"Pulling fs layer","id":"000000000001"}\r\n', () => response.destroy())
			},
		})
		const pull = new DockerRuntime({ dockerHost: engine.dockerHost }).pull('a', () => undefined)
		await expect(pull).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' })
	})

	it('refuses what is no image before the engine is asked', async () => {
		await using engine = await startFakeEngine({ answer: (_request, response) => json(response, 500, {}) })
		const pull = new DockerRuntime({ dockerHost: engine.dockerHost }).pull('No Image', () => undefined)
		await expect(pull).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		expect(engine.requests).toEqual([])
	})
})
