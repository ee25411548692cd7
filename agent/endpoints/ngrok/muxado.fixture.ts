import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'

const TYPE = { reset: 0, data: 1, window: 2, goAway: 3 } as const
const FLAG = { fin: 1, syn: 2 } as const
const HEADER = 8

/** One stream of a muxado session; the peer's window is taken for large enough: tests send little. */
export class MuxStream extends Duplex {
	readonly #send: (type: number, flags: number, body: Buffer) => void

	constructor(send: (type: number, flags: number, body: Buffer) => void) {
		super()
		this.#send = send
	}

	receive(body: Buffer, ends: boolean): void {
		if (body.length > 0) {
			this.push(body)
			this.#send(TYPE.window, 0, u32(body.length))
		}
		if (ends) this.push(null)
	}

	override _read(): void {
		// What comes is pushed as it comes.
	}

	override _write(chunk: Buffer, _encoding: string, done: () => void): void {
		this.#send(TYPE.data, 0, chunk)
		done()
	}

	override _final(done: () => void): void {
		this.#send(TYPE.data, FLAG.fin, Buffer.alloc(0))
		done()
	}

	override _destroy(error: Error | null, done: (error: Error | null) => void): void {
		done(error)
	}
}

/** The server's side of ngrok's multiplexer: frames of (length:24, type:4, flags:4, stream:32) over one TLS connection. */
export class MuxServer {
	readonly #socket: TLSSocket
	readonly #streams = new Map<number, MuxStream>()
	readonly #onStream: (type: number, stream: MuxStream) => void
	#buffer = Buffer.alloc(0)
	#next = 2

	constructor(socket: TLSSocket, onStream: (type: number, stream: MuxStream) => void) {
		this.#socket = socket
		this.#onStream = onStream
		socket.on('data', (data: Buffer) => this.#onData(data))
		socket.on('error', () => socket.destroy())
		socket.on('close', () => {
			for (const stream of this.#streams.values()) stream.destroy()
		})
	}

	/** A stream's first four bytes are its type. */
	open(type: number): MuxStream {
		const id = this.#next
		this.#next += 2
		const stream = this.#stream(id)
		this.#frame(id, TYPE.data, FLAG.syn, u32(type))
		return stream
	}

	cut(): void {
		this.#socket.destroy()
	}

	#stream(id: number): MuxStream {
		const stream = new MuxStream((type, flags, body) => this.#frame(id, type, flags, body))
		stream.on('error', () => stream.destroy())
		this.#streams.set(id, stream)
		return stream
	}

	#frame(id: number, type: number, flags: number, body: Buffer): void {
		if (this.#socket.destroyed) return
		const header = Buffer.alloc(HEADER)
		header.writeUInt32BE(((body.length << 8) | (type << 4) | flags) >>> 0, 0)
		header.writeUInt32BE(id, 4)
		this.#socket.write(Buffer.concat([header, body]))
	}

	#onData(data: Buffer): void {
		this.#buffer = Buffer.concat([this.#buffer, data])
		while (this.#buffer.length >= HEADER) {
			const first = this.#buffer.readUInt32BE(0)
			const length = first >>> 8
			if (this.#buffer.length < HEADER + length) return
			const id = this.#buffer.readUInt32BE(4) & 0x7fffffff
			const body = Buffer.from(this.#buffer.subarray(HEADER, HEADER + length))
			this.#buffer = this.#buffer.subarray(HEADER + length)
			this.#onFrame(id, (first >> 4) & 0xf, first & 0xf, body)
		}
	}

	#onFrame(id: number, type: number, flags: number, body: Buffer): void {
		if (type === TYPE.reset) this.#streams.get(id)?.destroy()
		if (type !== TYPE.data) return
		const ends = (flags & FLAG.fin) !== 0
		if ((flags & FLAG.syn) === 0) {
			this.#streams.get(id)?.receive(body, ends)
			return
		}
		const stream = this.#stream(id)
		stream.once('readable', () => {
			const kind: Buffer | null = stream.read(4)
			if (kind) this.#onStream(kind.readUInt32BE(0), stream)
		})
		stream.receive(body, ends)
	}
}

function u32(value: number): Buffer {
	const bytes = Buffer.alloc(4)
	bytes.writeUInt32BE(value >>> 0)
	return bytes
}
