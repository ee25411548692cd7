import { describe, expect, it } from 'vitest'
import { json, startFakeEngine } from '../../tests/contracts/fake-engine.ts'
import { DockerRuntime } from './docker-runtime.ts'
import { type EngineStats, statsSample } from './stats.ts'

const message: EngineStats = {
	read: '2026-11-24T23:00:01.5Z',
	preread: '2026-11-24T23:00:00.5Z',
	cpu_stats: { cpu_usage: { total_usage: 3_000_000_000 } },
	precpu_stats: { cpu_usage: { total_usage: 1_500_000_000 } },
	memory_stats: { usage: 1000, limit: 4000, stats: { total_inactive_file: 300, inactive_file: 1 } },
	networks: { eth0: { rx_bytes: 1, tx_bytes: 2 }, eth1: { rx_bytes: 10, tx_bytes: 20 } },
	pids_stats: { current: 5 },
	blkio_stats: {
		io_service_bytes_recursive: [
			{ op: 'Read', value: 7 },
			{ op: 'write', value: 8 },
			{ op: 'Total', value: 15 },
		],
	},
}

describe('a sample', () => {
	it('is cores, and memory without the page cache, of cgroup v1', () => {
		expect(statsSample(message, 2)).toEqual({
			replica: 2,
			at: '2026-11-24T23:00:01.5Z',
			cpu: 1.5,
			memoryBytes: 700,
			memoryLimitBytes: 4000,
			networkRxBytes: 11,
			networkTxBytes: 22,
			pids: 5,
			diskReadBytes: 7,
			diskWrittenBytes: 8,
		})
		expect(statsSample({ ...message, blkio_stats: {} }, 2)).toMatchObject({ diskReadBytes: null })
	})

	it('is the same of cgroup v2', () => {
		const memory_stats = { usage: 1000, limit: 4000, stats: { inactive_file: 400, file: 600 } }
		expect(statsSample({ ...message, memory_stats }, 0)?.memoryBytes).toBe(600)
	})

	it('is never negative, and nothing when there is nothing to compare with', () => {
		const memory_stats = { usage: 100, stats: { inactive_file: 400 } }
		const reset = { cpu_usage: { total_usage: 0 } }
		expect(statsSample({ ...message, memory_stats, cpu_stats: reset, networks: undefined }, 0)).toMatchObject({
			cpu: 0,
			memoryBytes: 100,
			memoryLimitBytes: 0,
			networkRxBytes: 0,
		})
		expect(statsSample({ ...message, preread: '0001-01-01T00:00:00Z' }, 0)).toBeNull()
	})

	it('ends the stream when the container does', async () => {
		const zero = { ...message, read: '0001-01-01T00:00:00Z', preread: '0001-01-01T00:00:00Z' }
		await using engine = await startFakeEngine({
			answer(_request, response) {
				for (const each of [message, zero]) response.write(`${JSON.stringify(each)}\n`)
			},
		})
		const samples = []
		const runtime = new DockerRuntime({ dockerHost: engine.dockerHost })
		for await (const sample of runtime.stats('a', { replica: 0, follow: true })) samples.push(sample)
		expect(samples).toHaveLength(1)
	})

	it('is an error for a container that does not exist', async () => {
		await using engine = await startFakeEngine({
			answer: (_request, response) => json(response, 404, { message: 'No such container: a' }),
		})
		const stats = new DockerRuntime({ dockerHost: engine.dockerHost }).stats('a', { replica: 0, follow: false })
		await expect(stats[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'NOT_FOUND' })
	})
})
