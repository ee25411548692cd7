import type { LogLine } from '../protocol/index.ts'

type Stream = LogLine['stream']

interface Partial {
	at: string
	chunks: Buffer[]
	bytes: number
}

const HEADER = 8
const NEWLINE = 0x0a
const RETURN = 0x0d
const SPACE = 0x20

/** A line without end would grow for ever; so much of it is shown as one. */
const MAX_LINE_BYTES = 64 * 1024

/**
 * The engine's multiplexed log stream as lines. A frame is 8 bytes (stream, 3 zeros, length as uint32 BE) and one
 * entry: a timestamp, a space, text. The engine cuts long lines into entries of 16 KiB, each with a timestamp, of which
 * only the last ends in a newline; they are put together again. (A character at the cut is lost before: the engine's
 * json-file log writes U+FFFD for its halves.)
 * https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Container/operation/ContainerAttach
 */
export class LogFrames {
	readonly #replica: number
	readonly #partial = new Map<Stream, Partial>()
	#pending: Buffer = Buffer.alloc(0)

	constructor(replica: number) {
		this.#replica = replica
	}

	push(chunk: Buffer): LogLine[] {
		const data = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk])
		const lines: LogLine[] = []
		let at = 0
		while (data.length - at >= HEADER) {
			const end = at + HEADER + data.readUInt32BE(at + 4)
			if (data.length < end) break
			this.#entry(data[at] === 2 ? 'stderr' : 'stdout', data.subarray(at + HEADER, end), lines)
			at = end
		}
		// a copy, so that a few pending bytes do not hold the whole chunk
		this.#pending = Buffer.from(data.subarray(at))
		return lines
	}

	/** Lines that never got their newline, when the stream has ended. */
	flush(): LogLine[] {
		const lines = [...this.#partial].map(([stream, partial]) => this.#line(stream, partial))
		this.#partial.clear()
		return lines
	}

	#entry(stream: Stream, entry: Buffer, lines: LogLine[]): void {
		const space = entry.indexOf(SPACE)
		const text = entry.subarray(space + 1)
		const complete = text.at(-1) === NEWLINE
		const partial = this.#partial.get(stream) ?? { at: entry.toString('latin1', 0, space), chunks: [], bytes: 0 }
		const content = complete ? text.subarray(0, -1) : text
		partial.chunks.push(content)
		partial.bytes += content.length
		if (complete || partial.bytes >= MAX_LINE_BYTES) {
			lines.push(this.#line(stream, partial))
			this.#partial.delete(stream)
		} else {
			partial.chunks = [Buffer.concat(partial.chunks)]
			this.#partial.set(stream, partial)
		}
	}

	#line(stream: Stream, { at, chunks }: Partial): LogLine {
		const [only] = chunks
		const bytes = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
		const end = bytes.at(-1) === RETURN ? bytes.length - 1 : bytes.length
		return { at, stream, text: bytes.toString('utf8', 0, end), replica: this.#replica }
	}
}
