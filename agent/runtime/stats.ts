import type { StatsSample } from '../protocol/index.ts'
import type { EngineConnection } from './engine-connection.ts'
import { refused } from './engine-errors.ts'
import { jsonLines } from './json-lines.ts'
import type { StatsOptions } from './runtime.ts'

/** What is used of https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerStats */
export interface EngineStats {
	read: string
	preread: string
	cpu_stats: { cpu_usage: { total_usage: number } }
	precpu_stats: { cpu_usage: { total_usage: number } }
	memory_stats: { usage?: number; limit?: number; stats?: Record<string, number> }
	networks?: Record<string, { rx_bytes: number; tx_bytes: number }>
	pids_stats?: { current?: number }
	/** `op` is Read on cgroup v1, read on v2; null where the kernel does not account */
	blkio_stats?: { io_service_bytes_recursive?: { op: string; value: number }[] | null }
}

export async function* stats(engine: EngineConnection, id: string, options: StatsOptions): AsyncGenerator<StatsSample> {
	const { replica, follow, signal } = options
	try {
		// Not `one-shot`: without it the engine measures twice, a second apart, and CPU use is a difference.
		const body = await engine.stream({ path: `/containers/${id}/stats`, query: { stream: follow }, signal })
		for await (const message of jsonLines<EngineStats>(body)) {
			if (!isTime(message.read)) return
			const sample = statsSample(message, replica)
			if (sample !== null) yield sample
		}
	} catch (error) {
		if (signal?.aborted) return
		throw engine.broken(refused(error, `measure the container ${id}`), signal)
	}
}

/** null for the first message of a stream, which has nothing to compare with. */
export function statsSample(message: EngineStats, replica: number): StatsSample | null {
	if (!isTime(message.preread)) return null
	const elapsedNs = (Date.parse(message.read) - Date.parse(message.preread)) * 1e6
	const usedNs = message.cpu_stats.cpu_usage.total_usage - message.precpu_stats.cpu_usage.total_usage
	const { usage = 0, limit = 0, stats = {} } = message.memory_stats
	// Page cache that the kernel would give back is no use of memory, as in `docker stats`: cgroup v1 calls it
	// total_inactive_file, v2 inactive_file (v1 has that too, without the children).
	const cache = stats.total_inactive_file ?? stats.inactive_file ?? 0
	const networks = Object.values(message.networks ?? {})
	return {
		replica,
		at: message.read,
		cpu: elapsedNs > 0 ? Math.max(0, usedNs / elapsedNs) : 0,
		memoryBytes: Math.max(0, usage - (cache < usage ? cache : 0)),
		memoryLimitBytes: limit,
		networkRxBytes: networks.reduce((sum, network) => sum + network.rx_bytes, 0),
		networkTxBytes: networks.reduce((sum, network) => sum + network.tx_bytes, 0),
		pids: message.pids_stats?.current ?? 0,
		diskReadBytes: bytesOf(message, 'read'),
		diskWrittenBytes: bytesOf(message, 'write'),
	}
}

function bytesOf({ blkio_stats }: EngineStats, operation: 'read' | 'write'): number | null {
	const entries = blkio_stats?.io_service_bytes_recursive
	if (!entries) return null
	return entries.reduce((sum, { op, value }) => (op.toLowerCase() === operation ? sum + value : sum), 0)
}

/** The engine writes its zero time for a container that does not run. */
function isTime(text: string): boolean {
	return !text.startsWith('0001-')
}
