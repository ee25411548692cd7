import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ServerSentEvent, serverSentEvents } from './event-stream.ts'

async function parse(chunks: Uint8Array[]): Promise<ServerSentEvent[]> {
	const events: ServerSentEvent[] = []
	for await (const event of serverSentEvents(
		(async function* () {
			yield* chunks
		})(),
	))
		events.push(event)
	return events
}

describe('server-sent events', () => {
	it('reads names, several data lines, comments and unknown fields', async () => {
		const text = ': beat\n\nevent: logs\ndata: a\ndata:b\nid: 7\nretry: 1\n\ndata\n\nevent: nothing\n\ndata: cut off'
		expect(await parse([Buffer.from(text)])).toEqual([
			{ event: 'logs', data: 'a\nb' },
			{ event: 'message', data: '' },
		])
	})

	it('is the same however the bytes are cut and whichever line end is used', async () => {
		const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll(/[\r\n]/g, ''))
		const event = fc.record({
			event: fc.constantFrom('message', 'logs', 'event'),
			data: fc.array(line, { minLength: 1 }),
		})
		const end = fc.constantFrom('\n', '\r\n', '\r')
		await fc.assert(
			fc.asyncProperty(fc.array(event), end, fc.array(fc.nat(40), { minLength: 1 }), async (events, newline, cuts) => {
				const text = events
					.map(({ event, data }) => [`event: ${event}`, ...data.map((each) => `data: ${each}`), '', ''].join(newline))
					.join('')
				const bytes = Buffer.from(`${text}: end${newline}`)
				const chunks: Uint8Array[] = []
				for (let at = 0, turn = 0; at < bytes.length; turn++) {
					const next = at + 1 + (cuts[turn % cuts.length] ?? 0)
					chunks.push(bytes.subarray(at, next))
					at = next
				}
				expect(await parse(chunks)).toEqual(events.map(({ event, data }) => ({ event, data: data.join('\n') })))
			}),
		)
	})
})
