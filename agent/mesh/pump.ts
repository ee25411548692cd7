import { abortable } from './abortable.ts'
import type { JsonStream } from './json-stream.ts'

/**
 * Writes what the producer yields, one at a time: the next is asked for only when the last one had room.
 * When the reader goes away the producer is returned, so that nothing runs on for nobody.
 * True when `isLast` said so, false when the producer ended without.
 */
export async function pump<T>(
	frames: AsyncIterable<T>,
	stream: JsonStream,
	isLast: (frame: T) => boolean,
): Promise<boolean> {
	const iterator = frames[Symbol.asyncIterator]()
	try {
		while (true) {
			const next = await abortable(iterator.next(), stream.signal)
			if (next.done) return false
			await stream.write(next.value)
			if (isLast(next.value)) return true
		}
	} finally {
		// Not awaited: a producer that sits in a wait of its own must not hold the stream. Its end is its own affair.
		iterator.return?.().catch(() => undefined)
	}
}
