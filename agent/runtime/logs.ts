import type { LogLine } from '../protocol/index.ts'
import type { EngineConnection } from './engine-connection.ts'
import { refused } from './engine-errors.ts'
import { LogFrames } from './log-frames.ts'
import type { LogOptions } from './runtime.ts'

/**
 * Batches as the engine sends them: the next is read from its socket only when the consumer asks for it, so a slow
 * reader slows the engine down and holds one chunk of memory.
 */
export async function* logs(engine: EngineConnection, id: string, options: LogOptions): AsyncGenerator<LogLine[]> {
	const { replica, tail, follow, since, signal } = options
	const frames = new LogFrames(replica)
	try {
		const body = await engine.stream({
			path: `/containers/${id}/logs`,
			query: {
				stdout: true,
				stderr: true,
				timestamps: true,
				tail,
				follow,
				...(since !== undefined && { since: unixTime(since) }),
			},
			signal,
		})
		for await (const chunk of body as AsyncIterable<Buffer>) {
			const lines = frames.push(chunk)
			if (lines.length > 0) yield lines
		}
	} catch (error) {
		if (signal?.aborted) return
		throw engine.broken(refused(error, `read the logs of ${id}`), signal)
	}
	const rest = frames.flush()
	if (rest.length > 0) yield rest
}

/** Seconds and nanoseconds, as the engine takes them: a Date would cut its own timestamps to milliseconds. */
export function unixTime(iso: string): string {
	const seconds = Math.floor(Date.parse(iso) / 1000)
	const fraction = /\.(\d{1,9})/.exec(iso)?.[1] ?? ''
	return `${seconds}.${fraction.padEnd(9, '0')}`
}
