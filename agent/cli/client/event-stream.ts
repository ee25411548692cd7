export interface ServerSentEvent {
	/** `message` unless the server named it */
	event: string
	data: string
}

/**
 * Server-sent events as the HTML standard parses them (9.2.6), from chunks that may end anywhere. Ids and reconnection
 * are left out: a CLI command that lost its server says so and ends.
 */
export async function* serverSentEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
	const decoder = new TextDecoder()
	let rest = ''
	let event = ''
	let data: string[] = []
	for await (const chunk of chunks) {
		rest += decoder.decode(chunk, { stream: true })
		// A lone \r at the end may be the first half of \r\n: it waits for the next chunk.
		const lines = rest.split(/\r\n|\n|\r(?!$)/)
		rest = lines.pop() ?? ''
		for (const line of lines) {
			if (line === '') {
				if (data.length > 0) yield { event: event || 'message', data: data.join('\n') }
				event = ''
				data = []
				continue
			}
			const colon = line.indexOf(':')
			const field = colon < 0 ? line : line.slice(0, colon)
			const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
			if (field === 'event') event = value
			else if (field === 'data') data.push(value)
		}
	}
}
