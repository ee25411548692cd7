import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LIMITS } from '../protocol/index.ts'
import { encodeFrame, FrameDecoder } from './frame-decoder.ts'

test('whatever the chunks, the frames come out as they went in', () => {
	fc.assert(
		fc.property(fc.array(fc.jsonValue()), fc.array(fc.integer({ min: 1, max: 9 })), (values, sizes) => {
			const bytes = Buffer.concat(values.map((value) => encodeFrame(value)))
			const decoder = new FrameDecoder()
			const frames: unknown[] = []
			for (let offset = 0, turn = 0; offset < bytes.length; turn++) {
				const size = sizes[turn % sizes.length] ?? bytes.length
				for (const frame of decoder.push(bytes.subarray(offset, offset + size))) {
					frames.push(JSON.parse(Buffer.from(frame).toString()))
				}
				offset += size
			}
			expect(frames).toEqual(JSON.parse(JSON.stringify(values)))
		}),
	)
})

test('a frame over the limit is refused by its header, before its body is there', () => {
	const header = Buffer.alloc(4)
	header.writeUInt32BE(LIMITS.frameBytes + 1)
	expect(() => new FrameDecoder().push(header)).toThrow(expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }))
	header.writeUInt32BE(LIMITS.frameBytes)
	expect(new FrameDecoder().push(header)).toEqual([])
	expect(() => encodeFrame('x'.repeat(LIMITS.frameBytes))).toThrow(
		expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }),
	)
	expect(encodeFrame('x'.repeat(LIMITS.frameBytes - 2)).length).toBe(LIMITS.frameBytes + 4)
})
