import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LogFrames } from './log-frames.ts'
import { unixTime } from './logs.ts'

const AT = '2026-11-24T23:47:43.214579630Z'

function frame(stream: 'stdout' | 'stderr', entry: Buffer | string): Buffer {
	const body = Buffer.concat([Buffer.from(`${AT} `), Buffer.from(entry)])
	const header = Buffer.alloc(8)
	header[0] = stream === 'stderr' ? 2 : 1
	header.writeUInt32BE(body.length, 4)
	return Buffer.concat([header, body])
}

describe('log frames', () => {
	it('are lines whatever way the bytes are cut', () => {
		const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((line) => !/[\r\n]/.test(line))
		const line = fc.record({ stream: fc.constantFrom('stdout' as const, 'stderr' as const), text })
		fc.assert(
			fc.property(
				fc.array(line, { maxLength: 20 }),
				fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
				(lines, cuts) => {
					const bytes = Buffer.concat(lines.map((each) => frame(each.stream, `${each.text}\n`)))
					const frames = new LogFrames(2)
					const read = []
					for (let at = 0, turn = 0; at < bytes.length; turn++) {
						const size = cuts[turn % cuts.length] ?? 1
						read.push(...frames.push(bytes.subarray(at, at + size)))
						at += size
					}
					expect(frames.flush()).toEqual([])
					expect(read).toEqual(lines.map((each) => ({ ...each, at: AT, replica: 2 })))
				},
			),
		)
	})

	it('joins a line that came in pieces, per stream, with the time of the first', () => {
		const frames = new LogFrames(0)
		const split = Buffer.from('aé')
		const lines = frames.push(
			Buffer.concat([
				frame('stdout', split.subarray(0, 2)),
				frame('stderr', 'other\n'),
				frame('stdout', Buffer.concat([split.subarray(2), Buffer.from(' end\r\n')])),
			]),
		)
		expect(lines.map(({ stream, text }) => [stream, text])).toEqual([
			['stderr', 'other'],
			['stdout', 'aé end'],
		])
	})

	it('gives the last words without a newline when the stream ends', () => {
		const frames = new LogFrames(0)
		expect(frames.push(frame('stdout', 'panic'))).toEqual([])
		expect(frames.flush()).toEqual([{ at: AT, stream: 'stdout', text: 'panic', replica: 0 }])
		expect(frames.flush()).toEqual([])
	})

	it('shows a line without end in parts instead of holding it', () => {
		const frames = new LogFrames(0)
		const part = Buffer.alloc(16 * 1024, 'x')
		const lines = Array.from({ length: 40 }, () => frames.push(frame('stdout', part))).flat()
		expect(lines.length).toBe(10)
		expect(lines.every((line) => line.text.length === 64 * 1024)).toBe(true)
	})
})

describe('the since of logs', () => {
	it('keeps nanoseconds', () => {
		expect(unixTime('2026-11-24T23:47:43.214579630Z')).toBe('1795564063.214579630')
		expect(unixTime('1970-01-01T00:00:01Z')).toBe('1.000000000')
		expect(unixTime('1970-01-01T00:00:01.5Z')).toBe('1.500000000')
	})
})
