import { Duplex } from 'node:stream'
import type { Stream } from './libp2p-types.ts'

/** What may wait at each side before the other is held back; the muxer's window is 1 MiB. */
const HIGH_WATER_BYTES = 256 * 1024

/**
 * A libp2p stream as Node's own: half-close both ways, and back-pressure both ways. libp2p resets a stream whose reader
 * lets 4 MiB pile up, so it is paused as soon as the readable side is full.
 */
export class StreamDuplex extends Duplex {
	readonly #stream: Stream
	/** the write that waits for room */
	#written: ((error?: Error | null) => void) | null = null
	/** all that the other side wrote was handed on */
	#ended = false

	constructor(stream: Stream) {
		super({ highWaterMark: HIGH_WATER_BYTES, allowHalfOpen: true })
		this.#stream = stream
		// A stranger's stream is reset before anybody uses it; whoever does is told by 'close', too.
		this.on('error', () => undefined)
		stream.addEventListener('message', (event) => {
			if (!this.push(event.data.subarray()) && stream.readStatus === 'readable') stream.pause()
		})
		stream.addEventListener('end', () => this.#end())
		stream.addEventListener('drain', () => this.#release())
		stream.addEventListener('close', (event) => this.#closed(event.error))
		if (stream.status !== 'open') this.#closed(new Error('the stream was closed before it was used'))
	}

	override _read(): void {
		if (this.#stream.readStatus !== 'paused') return
		try {
			this.#stream.resume()
		} catch (thrown) {
			// It tells the muxer of the room it now has, and the muxer may be gone; what had arrived was handed on before.
			if (!this.#ended) this.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)))
		}
	}

	override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
		try {
			if (this.#stream.send(chunk) || !this.#stream.writableNeedsDrain) done()
			else this.#written = done
		} catch (thrown) {
			done(thrown instanceof Error ? thrown : new Error(String(thrown)))
		}
	}

	override _final(done: (error?: Error | null) => void): void {
		this.#stream.close().then(
			() => done(),
			(thrown: Error) => done(thrown),
		)
	}

	override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
		const isOver = this.#ended && this.writableFinished
		if (!isOver) this.#stream.abort(error ?? new Error('the connection was closed'))
		this.#release()
		done(error)
	}

	#release(): void {
		const written = this.#written
		this.#written = null
		written?.()
	}

	#end(): void {
		if (this.#ended || this.destroyed) return
		this.#ended = true
		this.push(null)
	}

	#closed(error?: Error): void {
		if (error !== undefined) this.destroy(error)
		// What is still buffered comes first, and 'end' after it.
		else if (this.#stream.readBufferLength === 0) this.#end()
	}
}
