import { LatticeError, LIMITS } from '../protocol/index.ts'

/** Four bytes, big endian: the length of the JSON that follows. */
const HEADER_BYTES = 4

export function encodeFrame(value: unknown, limit: number = LIMITS.frameBytes): Uint8Array {
	const body = Buffer.from(JSON.stringify(value))
	if (body.length > limit) throw tooLarge(limit)
	const frame = Buffer.allocUnsafe(HEADER_BYTES + body.length)
	frame.writeUInt32BE(body.length)
	body.copy(frame, HEADER_BYTES)
	return frame
}

/** Cuts a byte stream into frames, however its chunks fall. A frame over the limit is refused by its header alone. */
export class FrameDecoder {
	readonly #limit: number
	#chunks: Uint8Array[] = []
	#bytes = 0
	#wanted = HEADER_BYTES

	constructor(limit: number = LIMITS.frameBytes) {
		this.#limit = limit
	}

	push(chunk: Uint8Array): Uint8Array[] {
		this.#chunks.push(chunk)
		this.#bytes += chunk.length
		// Joined only when a whole frame is there: a frame of many chunks is copied once, not once a chunk.
		if (this.#bytes < this.#wanted) return []
		const buffer = Buffer.concat(this.#chunks)
		const frames: Uint8Array[] = []
		let offset = 0
		while (true) {
			const length = this.#lengthAt(buffer, offset)
			this.#wanted = HEADER_BYTES + (length ?? 0)
			if (length === null || buffer.length - offset < this.#wanted) break
			frames.push(buffer.subarray(offset + HEADER_BYTES, offset + this.#wanted))
			offset += this.#wanted
		}
		const rest = buffer.subarray(offset)
		this.#chunks = rest.length > 0 ? [rest] : []
		this.#bytes = rest.length
		return frames
	}

	#lengthAt(buffer: Buffer, offset: number): number | null {
		if (buffer.length - offset < HEADER_BYTES) return null
		const length = buffer.readUInt32BE(offset)
		if (length > this.#limit) throw tooLarge(this.#limit)
		return length
	}
}

function tooLarge(limit: number): LatticeError {
	const sentence = `A message is larger than ${limit} bytes; send less at once.`
	return new LatticeError('PAYLOAD_TOO_LARGE', sentence, { limit })
}
