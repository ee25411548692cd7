import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ANSWERS, decodeAnswer, decodeHeader, encodeAnswer, encodeHeader, HEADER_BYTES, readExactly } from './header.ts'

const ticket = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url'))
const header = fc.record({ kind: fc.constantFrom('open', 'ready'), ticket })
const soon = () => AbortSignal.timeout(2_000)

describe('the first bytes of a connection', () => {
	it('are read as they were written', () => {
		fc.assert(
			fc.property(header, (value) => {
				expect(decodeHeader(encodeHeader(value))).toEqual(value)
			}),
		)
		for (const answer of ANSWERS) expect(decodeAnswer(encodeAnswer(answer))).toBe(answer)
	})

	it('that are no header are refused, and never throw', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
				const decoded = decodeHeader(Buffer.from(bytes))
				if (decoded !== null) expect(encodeHeader(decoded)).toEqual(Buffer.from(bytes))
			}),
		)
		expect(decodeHeader(encodeHeader({ kind: 'open', ticket: 'x' }).subarray(1))).toBeNull()
		expect(decodeAnswer(Buffer.from([250]))).toBeNull()
	})

	it('are taken exactly, however they are cut, and what follows stays', async () => {
		const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 })
		await fc.assert(
			fc.asyncProperty(header, cuts, fc.string(), async (value, sizes, rest) => {
				const stream = new PassThrough()
				const bytes = Buffer.concat([encodeHeader(value), Buffer.from(rest)])
				for (let at = 0, turn = 0; at < bytes.length; turn++) {
					const next = at + (sizes[turn % sizes.length] ?? 1)
					stream.write(bytes.subarray(at, next))
					at = next
				}
				stream.end()
				expect(decodeHeader(await readExactly(stream, HEADER_BYTES, soon()))).toEqual(value)
				const after: Buffer[] = []
				for await (const chunk of stream) after.push(chunk)
				expect(Buffer.concat(after).toString()).toBe(Buffer.from(rest).toString())
			}),
			{ numRuns: 50 },
		)
	})

	it('that never come whole fail', async () => {
		const short = new PassThrough()
		short.end('xx')
		await expect(readExactly(short, HEADER_BYTES, soon())).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
		const silent = new PassThrough()
		await expect(readExactly(silent, 1, AbortSignal.timeout(20))).rejects.toMatchObject({ name: 'TimeoutError' })
	})
})
