import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MalformedResponse, ResponseReader } from './response-reader.ts'

interface Read {
	status: number
	body: string
	headers: string[]
	ended: boolean | null
}

/** The answer as read from these pieces; `eof`: the stream ended after them. */
function read(pieces: string[], { method = 'GET', eof = false } = {}): Read {
	const seen: Read = { status: 0, body: '', headers: [], ended: null }
	const reader = new ResponseReader(method, {
		onHead: ({ status, headers }) => {
			seen.status = status
			seen.headers = headers
		},
		onBody: (chunk) => {
			seen.body += chunk.toString('latin1')
		},
		onEnd: (reusable) => {
			seen.ended = reusable
		},
		onUpgrade: ({ status }, rest) => {
			seen.status = status
			seen.body = rest.toString('latin1')
		},
	})
	for (const piece of pieces) reader.push(Buffer.from(piece, 'latin1'))
	if (eof) reader.end()
	return seen
}

/** The text in pieces of any size. */
function cut(text: string, at: number[]): string[] {
	const places = [...new Set(at.map((each) => each % text.length))].sort((a, b) => a - b)
	return [0, ...places].map((from, index) => text.slice(from, places[index] ?? text.length))
}

const OK = 'HTTP/1.1 200 OK\r\n'

describe('ResponseReader', () => {
	it('gives the same answer however the bytes are cut', () => {
		const chunk = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 })
		fc.assert(
			fc.property(
				fc.array(chunk, { maxLength: 6 }),
				fc.array(fc.nat(), { maxLength: 12 }),
				fc.boolean(),
				(chunks, at, chunked) => {
					const body = chunks.join('')
					const framed = chunked
						? `${OK}Transfer-Encoding: chunked\r\n\r\n${chunks.map((each) => `${each.length.toString(16)};x=y\r\n${each}\r\n`).join('')}0\r\nTrailer: t\r\n\r\n`
						: `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: ${body.length}\r\nX: 1\r\n\r\n${body}`
					expect(read(cut(framed, at))).toMatchObject({ status: 200, body, ended: true })
				},
			),
		)
	})

	it('never fails in another way than by saying so, whatever comes', () => {
		const line = fc.constantFrom(
			OK,
			'Content-Length: 3\r\n',
			'Transfer-Encoding: chunked\r\n',
			'\r\n',
			'3\r\nabc\r\n',
			'0\r\n\r\n',
			'x',
		)
		fc.assert(
			fc.property(fc.array(fc.oneof(line, fc.string({ unit: 'binary-ascii' })), { maxLength: 10 }), (lines) => {
				try {
					read(lines, { eof: true })
				} catch (thrown) {
					expect(thrown).toBeInstanceOf(MalformedResponse)
				}
			}),
		)
	})

	it('knows answers without a body, and those that the end of the stream ends', () => {
		expect(read([`${OK}Content-Length: 5\r\n\r\n`], { method: 'HEAD' })).toMatchObject({ body: '', ended: true })
		expect(read(['HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'])).toMatchObject({ status: 304, ended: true })
		expect(read(['HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'])).toMatchObject({ ended: false })
		expect(read([`${OK}\r\nall`, ' of it'], { eof: true })).toMatchObject({ body: 'all of it', ended: false })
		expect(read(['HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok'])).toMatchObject({ body: 'ok', ended: false })
		expect(read(['HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nfirst'])).toMatchObject({
			status: 101,
			body: 'first',
		})
	})

	it.each([
		['no status line', 'SSH-2.0-OpenSSH\r\n\r\n'],
		['two lengths', `${OK}Content-Length: 1\r\nContent-Length: 2\r\n\r\n`],
		['a length that is none', `${OK}Content-Length: -1\r\n\r\n`],
		['a coding that nobody undoes', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n`],
		['a folded header', `${OK}A: b\r\n c\r\n\r\n`],
		['a chunk without a size', `${OK}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
		['a chunk that is too long', `${OK}Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n`],
		['endless headers', `${OK}A: ${'b'.repeat(70_000)}`],
		['more than was said', `${OK}Content-Length: 1\r\n\r\nab`],
	])('refuses %s', (_, text) => {
		expect(() => read([text])).toThrow(MalformedResponse)
	})

	it('does not use a connection again when length and chunks were both said', () => {
		const both = `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`
		expect(read([both])).toMatchObject({ body: 'a', ended: false })
		// whoever believed the length would take what is left of the body for the next answer
		expect(read([both]).headers.map((each) => each.toLowerCase())).not.toContain('content-length')
	})
})
