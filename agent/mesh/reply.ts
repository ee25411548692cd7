import { z } from 'zod'
import { LatticeError, WireError } from '../protocol/index.ts'
import type { Ground } from './door.ts'
import type { JsonStream } from './json-stream.ts'

/** One request, one reply: the shape of admission, join and renew. */
function replyOf<T>(schema: z.ZodType<T>) {
	return z.union([z.object({ ok: schema }), z.object({ error: WireError })])
}

export async function ask<T>(
	stream: JsonStream,
	request: unknown,
	schema: z.ZodType<T>,
	timeoutMs: number,
): Promise<T> {
	try {
		await stream.write(request)
		await stream.end()
		const reply = await stream.read(replyOf(schema), { timeoutMs })
		if (reply === null)
			throw new LatticeError('HOST_UNREACHABLE', 'The other node hung up before it answered; try again.')
		if ('error' in reply) throw LatticeError.fromWire(reply.error)
		return reply.ok
	} catch (thrown) {
		const error = LatticeError.from(thrown)
		stream.abort(error)
		throw error
	}
}

/** Decodes once, at the door; whatever goes wrong is told to the asker, and logged where it is not the asker's doing. */
export async function answer<T>(
	stream: JsonStream,
	schema: z.ZodType<T>,
	{ log, firstFrameMs }: Pick<Ground, 'log' | 'firstFrameMs'>,
	handler: (request: T) => Promise<unknown>,
): Promise<void> {
	try {
		const request = await stream.read(schema, { timeoutMs: firstFrameMs })
		if (request !== null) await stream.write({ ok: await handler(request) })
	} catch (thrown) {
		const error = LatticeError.from(thrown)
		if (error.code === 'INTERNAL') log.error({ err: thrown }, 'a request of another peer failed here')
		if (!stream.signal.aborted) await stream.write({ error: error.toJSON() })
	} finally {
		await stream.close()
	}
}
