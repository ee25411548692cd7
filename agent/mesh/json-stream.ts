import type { z } from 'zod'
import { LatticeError } from '../protocol/index.ts'
import { abortable } from './abortable.ts'
import { encodeFrame, FrameDecoder } from './frame-decoder.ts'
import type { Stream } from './libp2p-types.ts'

/** How long the other side may keep its half open after ours has ended; then the stream is reset, so that none leaks. */
const CLOSE_TIMEOUT_MS = 5_000

/**
 * JSON frames over a libp2p stream, with back-pressure both ways: a reader that does not read pauses the stream, its
 * window (1 MiB) fills, and `write` at the other end waits.
 *
 * libp2p 3.3: `stream.onDrain()` keeps its first promise for ever, so after one drain it waits no more; hence the
 * 'drain' event here.
 */
export class JsonStream {
	readonly #stream: Stream
	readonly #decoder = new FrameDecoder()
	readonly #gone = new AbortController()
	#frames: Uint8Array[] = []
	#failure: LatticeError | null = null
	#arrival = Promise.withResolvers<void>()

	constructor(stream: Stream) {
		this.#stream = stream
		stream.addEventListener('message', (event) => this.#onBytes(event.data.subarray()))
		stream.addEventListener('end', () => this.#arrival.resolve())
		stream.addEventListener('remoteCloseWrite', () => this.#arrival.resolve())
		stream.addEventListener('close', (event) => this.#onClose(event.error))
		if (stream.status !== 'open') this.#onClose()
	}

	/** Aborts when the stream is gone, by whichever side. */
	get signal(): AbortSignal {
		return this.#gone.signal
	}

	/** The next frame, or null when the other side has ended well. */
	async read<T>(schema: z.ZodType<T>, options: { timeoutMs?: number } = {}): Promise<T | null> {
		const timeout = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs)
		while (this.#frames.length === 0) {
			if (this.#failure !== null) throw this.#failure
			if (this.#ended) return null
			this.#arrival = Promise.withResolvers<void>()
			this.#resume()
			await (timeout === undefined ? this.#arrival.promise : this.#arrivalWithin(timeout))
		}
		const frame = this.#frames.shift()
		return frame === undefined ? null : decode(frame, schema)
	}

	/** Resolves when there is room for more; rejects when the stream is gone. */
	async write(value: unknown): Promise<void> {
		if (this.#gone.signal.aborted) throw this.#gone.signal.reason
		try {
			this.#stream.send(encodeFrame(value))
		} catch (thrown) {
			if (thrown instanceof LatticeError) throw thrown
			throw gone(thrown)
		}
		while (this.#stream.writableNeedsDrain) await abortable(this.#drained(), this.#gone.signal)
	}

	/** Nothing more will be written; what was written arrives, and reading goes on. A client says so after its request. */
	async end(): Promise<void> {
		try {
			await this.#stream.close()
		} catch (thrown) {
			throw gone(thrown)
		}
	}

	/** Ends well, and frees the stream also when the other side never ends its own half. */
	async close(): Promise<void> {
		try {
			await this.end()
		} catch {
			// The stream is gone, which is what was asked for.
			return
		}
		if (this.#gone.signal.aborted) return
		const timer = setTimeout(() => this.abort(gone()), CLOSE_TIMEOUT_MS)
		this.#gone.signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
	}

	/** Resets the stream: the other side learns at once that nobody listens. */
	abort(reason: Error): void {
		this.#stream.abort(reason)
	}

	get #ended(): boolean {
		if (this.#stream.readBufferLength > 0 && this.#stream.readStatus !== 'closed') return false
		return this.#stream.readableEnded || this.#stream.remoteWriteStatus === 'closed'
	}

	#onBytes(bytes: Uint8Array): void {
		try {
			for (const frame of this.#decoder.push(bytes)) this.#frames.push(frame)
		} catch (thrown) {
			this.#failure = LatticeError.from(thrown)
			this.abort(this.#failure)
		}
		// Not here and now: `resume` hands over what waits and then tells the muxer to go on, which would undo a pause made
		// meanwhile; the other side would send on until the stream is reset at 4 MiB (libp2p 3.3).
		queueMicrotask(() => {
			if (this.#frames.length > 0 && this.#stream.readStatus === 'readable') this.#stream.pause()
		})
		this.#arrival.resolve()
	}

	#resume(): void {
		if (this.#stream.readStatus !== 'paused') return
		try {
			this.#stream.resume()
		} catch (thrown) {
			// It tells the muxer of the room it now has, and the muxer may be gone; what had arrived was handed out before.
			this.#failure ??= gone(thrown)
		}
	}

	#onClose(error?: Error): void {
		if (error !== undefined) this.#failure ??= gone(error)
		this.#gone.abort(this.#failure ?? gone())
		this.#arrival.resolve()
	}

	async #arrivalWithin(timeout: AbortSignal): Promise<void> {
		try {
			await abortable(this.#arrival.promise, timeout)
		} catch (cause) {
			const sentence = 'The other side sent nothing in time; try again, and look at the load of that node.'
			throw new LatticeError('TIMEOUT', sentence, {}, { cause })
		}
	}

	#drained(): Promise<void> {
		return new Promise((resolve) => {
			this.#stream.addEventListener('drain', () => resolve(), { once: true, signal: this.#gone.signal })
		})
	}
}

function decode<T>(frame: Uint8Array, schema: z.ZodType<T>): T {
	const parsed = schema.safeParse(parseJson(frame))
	if (parsed.success) return parsed.data
	const issues = parsed.error.issues.map((issue) => ({
		path: issue.path.map(String).join('.'),
		message: issue.message,
	}))
	const said = issues.map(({ path, message }) => `${path || '(message)'}: ${message}`).join('; ')
	const sentence = `The other node sent what this one does not understand (${said}); bring both to the same version.`
	throw new LatticeError('PROTOCOL_ERROR', sentence, { issues })
}

function parseJson(frame: Uint8Array): unknown {
	try {
		return JSON.parse(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString('utf8'))
	} catch (cause) {
		const sentence = 'The other node sent what is not JSON; bring both to the same version.'
		throw new LatticeError('PROTOCOL_ERROR', sentence, {}, { cause })
	}
}

function gone(cause?: unknown): LatticeError {
	return new LatticeError('CANCELLED', 'The other side closed the stream; send the request again.', {}, { cause })
}
