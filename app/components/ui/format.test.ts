import { expect, it } from 'vitest'
import { formatAge, formatBytes, formatDuration } from './format.ts'

it('writes bytes, times and ages as a person would', () => {
	expect([0, 999, 1024, 512 * 1024 ** 2, 1.5 * 1024 ** 3, 15.6 * 1024 ** 3].map(formatBytes)).toEqual([
		'0 B',
		'999 B',
		'1 KiB',
		'512 MiB',
		'1.5 GiB',
		'15.6 GiB',
	])
	expect([240, 3_400, 59_960, 125_000, 3_600_000].map(formatDuration)).toEqual([
		'240 ms',
		'3.4 s',
		'1 min 0 s',
		'2 min 5 s',
		'1 h 0 min',
	])
	expect([-5_000, 59_999, 60_000, 3_600_000, 90_000_000].map(formatAge)).toEqual(['0 s', '59 s', '1 min', '1 h', '1 d'])
})
