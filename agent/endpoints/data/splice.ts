import type { OnReadOpts, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { cutOff } from './cut-off.ts'

/** How much may wait on its way to a slow receiver: enough to keep a fast one busy, too little to hurt with 500 of them. */
export const SOCKET_HIGH_WATER_BYTES = 256 * 1024

const READ_BYTES = 64 * 1024

/**
 * Joins two streams into one connection: each half ends by itself, a slow receiver holds its sender back, and an error of
 * either ends both at once. No time-out: a connection may be idle for hours.
 *
 * 'data' and `write` by hand, as `pipe` costs the same (22 µs for a message and its answer, half of it system calls) and
 * leaves the other end open when one breaks.
 */
export function splice(one: Duplex, other: Duplex): void {
	pour(one, other)
	pour(other, one)
}

/**
 * As `splice`, for a socket that is yet to be connected with the `onread` given here. What it receives is read into one
 * buffer again and again: Node's own reads allocate 64 KiB each, and a process with a large heap, as an agent is, spends
 * as long on collecting them as on encrypting what they hold.
 */
export class SpliceInto {
	readonly onread: OnReadOpts
	readonly #stream: Duplex
	#socket: Socket | null = null
	#isHeld = false

	constructor(stream: Duplex) {
		const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
		this.#stream = stream
		this.onread = { buffer, callback: (bytes) => this.#write(buffer.subarray(0, bytes)) }
	}

	/** With the socket that was connected. */
	join(socket: Socket): void {
		this.#socket = socket
		pour(this.#stream, socket)
		follow(socket, this.#stream)
	}

	/** False stops the reading until the buffer is free. */
	#write(chunk: Uint8Array): boolean {
		this.#stream.write(chunk, this.#free)
		this.#isHeld = this.#stream.writableLength > 0
		return !this.#isHeld
	}

	readonly #free = () => {
		if (!this.#isHeld) return
		this.#isHeld = false
		this.#socket?.resume()
	}
}

function pour(from: Duplex, to: Duplex): void {
	from.on('data', (chunk: Buffer) => {
		if (!to.write(chunk)) from.pause()
	})
	to.on('drain', () => from.resume())
	follow(from, to)
}

/** What becomes of the one becomes of the other. */
function follow(from: Duplex, to: Duplex): void {
	from.on('end', () => to.end())
	from.on('error', () => cutOff(to))
	from.on('close', () => {
		if (!from.readableEnded || !from.writableFinished) cutOff(to)
	})
}
