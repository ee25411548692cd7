import { describe, expect, it } from 'vitest'
import { bytes, duration, plain, table } from './format.ts'

describe('values for people', () => {
	it.each([
		[0, '0 B'],
		[1023, '1023 B'],
		[1536, '1.5 KiB'],
		[128 * 1024 ** 2, '128 MiB'],
		[3.2 * 1024 ** 3, '3.2 GiB'],
	])('%i bytes', (value, text) => expect(bytes(value)).toBe(text))

	it.each([
		[-5, '0 s'],
		[59_400, '59 s'],
		[90_000, '2 min'],
		[3 * 3_600_000, '3 h'],
		[72 * 3_600_000, '3 d'],
	])('%i ms', (value, text) => expect(duration(value)).toBe(text))

	it('aligns columns and pads no line end', () => {
		expect(
			table(
				['A', 'LONG'],
				[
					['wide cell', 'x'],
					['y', ''],
				],
			),
		).toEqual(['A          LONG', 'wide cell  x', 'y'])
	})

	it('takes control characters out, and leaves tabs and newlines', () => {
		expect(plain('a\u001b[31mb\r\u0007\u009b1m\tc\n')).toBe('a\u{fffd}[31mb\u{fffd}\u{fffd}\u{fffd}1m\tc\n')
	})
})
