import type { Duplex } from 'node:stream'
import { LatticeError, type Ticket } from '../../protocol/index.ts'

/**
 * The first bytes on a connection of the data plane, whatever carries it: what it is for, and the ticket that proves it.
 * `open`: connect me to the port that this lease is for; answered by one byte, after which the bytes are the workload's.
 * `ready`: you asked me to dial you; I wait for your `open`.
 */
export interface Header {
	kind: 'open' | 'ready'
	ticket: Ticket
}

export const HEADER_BYTES = 18
/** So that something else that dials the port by mistake is told apart at once. */
const MAGIC = 0xd1
const KINDS = ['open', 'ready'] as const

export function encodeHeader({ kind, ticket }: Header): Buffer {
	return Buffer.concat([Buffer.from([MAGIC, KINDS.indexOf(kind)]), Buffer.from(ticket, 'base64url')], HEADER_BYTES)
}

/** null for anything that is none */
export function decodeHeader(bytes: Buffer): Header | null {
	const kind = KINDS[bytes[1] ?? -1]
	if (bytes.length !== HEADER_BYTES || bytes[0] !== MAGIC || kind === undefined) return null
	return { kind, ticket: bytes.subarray(2).toString('base64url') }
}

/** The answer to `open`, by its index. */
export const ANSWERS = ['connected', 'unknownLease', 'notRunning', 'notListening', 'busy'] as const
export type Answer = (typeof ANSWERS)[number]

export function encodeAnswer(answer: Answer): Buffer {
	return Buffer.from([ANSWERS.indexOf(answer)])
}

export function decodeAnswer(bytes: Buffer): Answer | null {
	return ANSWERS[bytes[0] ?? -1] ?? null
}

/** Exactly so many bytes; what follows them stays in the stream. Throws when the stream ends or breaks before, or the signal aborts. */
export function readExactly(stream: Duplex, bytes: number, signal: AbortSignal): Promise<Buffer> {
	return new Promise((resolve, reject) => {
		const end = (settle: () => void) => {
			stream.off('readable', onReadable).off('end', onEnd).off('close', onEnd).off('error', onError)
			signal.removeEventListener('abort', onAbort)
			settle()
		}
		const onReadable = () => {
			const chunk: Buffer | null = stream.read(bytes)
			if (chunk !== null && chunk.length === bytes) end(() => resolve(chunk))
		}
		const onError = (error: Error) => end(() => reject(error))
		const onEnd = () => end(() => reject(new LatticeError('HOST_UNREACHABLE', 'The other side hung up; try again.')))
		const onAbort = () => end(() => reject(signal.reason))
		stream.on('readable', onReadable).on('end', onEnd).on('close', onEnd).on('error', onError)
		signal.addEventListener('abort', onAbort, { once: true })
		if (signal.aborted) onAbort()
		else if (stream.readableEnded || stream.destroyed) onEnd()
		else onReadable()
	})
}
