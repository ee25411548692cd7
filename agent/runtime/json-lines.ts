import { StringDecoder } from 'node:string_decoder'

/** A stream of JSON documents, one a line, as the engine sends progress, events and statistics. */
export async function* jsonLines<T>(source: AsyncIterable<Buffer>): AsyncGenerator<T> {
	const decoder = new StringDecoder('utf8')
	let pending = ''
	for await (const chunk of source) {
		pending += decoder.write(chunk)
		const lines = pending.split('\n')
		pending = lines.pop() ?? ''
		for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T
	}
	if (pending.trim() !== '') yield JSON.parse(pending) as T
}
