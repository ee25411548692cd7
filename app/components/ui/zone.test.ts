import { describe, expect, it } from 'vitest'
import { clockText } from './zone.ts'

describe('a time of a log line', () => {
	it('is written in the zone that was chosen', () => {
		expect(clockText('2026-11-27T23:59:01.007Z', 'UTC')).toBe('23:59:01.007')
		expect(clockText('2026-11-27T23:59:01.007Z', 'Asia/Kolkata')).toBe('05:29:01.007')
		expect(clockText('2026-11-27T00:00:00.000Z', 'UTC')).toBe('00:00:00.000')
	})

	it("is the browser's own where none was", () => {
		const at = new Date(2026, 10, 27, 14, 2, 3, 45)
		expect(clockText(at.toISOString(), '')).toBe('14:02:03.045')
	})

	it('is empty for what is no instant', () => {
		expect(clockText('', 'UTC')).toBe('')
	})
})
