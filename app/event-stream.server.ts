import { wireErrorOf } from './wire-error.server.ts'

export interface StreamMessage {
	event?: string
	id?: string
	data: unknown
}

/** Under the minute after which common proxies cut a silent connection, and often enough to show staleness early. */
const BEAT_MS = 5_000
/** How long a browser waits before it comes back. */
const RETRY_MS = 2_000
/** Messages that may wait for a slow reader before the source is held back. */
const WAITING = 16

function encode({ event, id, data }: StreamMessage): string {
	const head = `${event ? `event: ${event}\n` : ''}${id ? `id: ${id}\n` : ''}`
	return `${head}data: ${JSON.stringify(data)}\n\n`
}

/**
 * Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html) from a source that ends with
 * its signal. A reader that falls behind holds the source back; one that leaves ends it.
 */
export function eventStream(request: Request, source: (signal: AbortSignal) => AsyncIterable<StreamMessage>): Response {
	const left = new AbortController()
	const signal = AbortSignal.any([request.signal, left.signal])
	let resume: (() => void) | null = null

	async function pump(controller: ReadableStreamDefaultController<string>) {
		try {
			for await (const message of source(signal)) {
				if (signal.aborted) return
				controller.enqueue(encode(message))
				if ((controller.desiredSize ?? 0) <= 0) await new Promise<void>((resolve) => (resume = resolve))
			}
			if (!signal.aborted) controller.enqueue(encode({ event: 'end', data: {} }))
		} catch (thrown) {
			if (signal.aborted) return
			const error = wireErrorOf(thrown)
			if (!error) console.error(thrown)
			const message = 'The console could not read this stream; its log has the cause.'
			controller.enqueue(encode({ event: 'problem', data: error ?? { code: 'INTERNAL', message, facts: {} } }))
		}
	}

	const body = new ReadableStream<string>(
		{
			start(controller) {
				controller.enqueue(`retry: ${RETRY_MS}\n\n`)
				const beat = setInterval(() => {
					// A reader that is behind has news to read: it needs no sign of life.
					if (!signal.aborted && (controller.desiredSize ?? 0) > 0) {
						controller.enqueue(encode({ event: 'beat', data: { at: new Date().toISOString() } }))
					}
				}, BEAT_MS)
				signal.addEventListener('abort', () => resume?.())
				void pump(controller).finally(() => {
					clearInterval(beat)
					if (!left.signal.aborted) controller.close()
				})
			},
			pull() {
				resume?.()
				resume = null
			},
			cancel() {
				left.abort()
			},
		},
		new CountQueuingStrategy({ highWaterMark: WAITING }),
	)
	return new Response(body.pipeThrough(new TextEncoderStream()), {
		headers: {
			'Content-Type': 'text/event-stream; charset=utf-8',
			'Cache-Control': 'no-store',
			// nginx would hold the stream back otherwise
			'X-Accel-Buffering': 'no',
		},
	})
}
