import type { LogLine } from '../agent/protocol/index.ts'

export interface SampledLines {
	lines: LogLine[]
	/** so many came before these, faster than anyone reads */
	skipped: number
}

export interface SamplingLimits {
	/** what comes within this is one batch; the page draws as often */
	everyMs: number
	/** lines of a batch; of more the newest are kept */
	most: number
}

const LIMITS: SamplingLimits = { everyMs: 250, most: 5_000 }

/**
 * Reads the source as fast as it comes, and hands on what a page can show: held back instead, a container that writes
 * faster than a browser reads would be shown ever later. What is skipped is counted, and is still in the container's log.
 */
export async function* sampled(
	source: AsyncIterable<LogLine[]>,
	limits: SamplingLimits = LIMITS,
): AsyncGenerator<SampledLines> {
	const iterator = source[Symbol.asyncIterator]()
	let waiting: LogLine[] = []
	let skipped = 0
	let ended: { error: unknown } | 'well' | null = null
	let wake = (): void => undefined
	const reading = (async () => {
		try {
			for (;;) {
				const next = await iterator.next()
				if (next.done) break
				waiting.push(...next.value)
				const over = waiting.length - limits.most
				if (over > 0) {
					waiting = waiting.slice(over)
					skipped += over
				}
				wake()
			}
			ended = 'well'
		} catch (error) {
			ended = { error }
		}
		wake()
	})()
	try {
		for (;;) {
			if (waiting.length > 0) {
				const batch = { lines: waiting, skipped }
				waiting = []
				skipped = 0
				yield batch
				if (ended === null) await new Promise((resolve) => setTimeout(resolve, limits.everyMs))
			} else if (ended !== null) {
				if (ended !== 'well') throw (ended as { error: unknown }).error
				return
			} else {
				await new Promise<void>((resolve) => {
					wake = resolve
				})
			}
		}
	} finally {
		// Not awaited: a source that waits for its next line returns only after it.
		iterator.return?.(undefined)?.catch(() => undefined)
		reading.catch(() => undefined)
	}
}
