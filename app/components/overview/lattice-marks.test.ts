import { describe, expect, it } from 'vitest'
import type { Tone } from '../ui/status.tsx'
import { dotsOf } from './lattice-layout.ts'
import { marksOf, outlineOf, TONES } from './lattice-marks.ts'

const none: Record<Tone, number> = { healthy: 0, progressing: 0, degraded: 0, failed: 0, stopped: 0, unknown: 0 }

describe('marks in a ring', () => {
	it('stand for each workload once', () => {
		const marks = marksOf({ ...none, healthy: 3, failed: 1 }, dotsOf(4, 50))
		expect(marks.map(({ tone, at }) => [tone, at.length])).toEqual([
			['failed', 1],
			['healthy', 3],
		])
	})

	it('leave out what is well where there is no room for all', () => {
		const marks = marksOf({ ...none, healthy: 900, failed: 30, unknown: 5 }, dotsOf(40, 50))
		expect(marks.map(({ tone, at }) => [tone, at.length])).toEqual([
			['failed', 30],
			['unknown', 5],
			['healthy', 5],
		])
	})

	it.each(TONES)('draw %s as closed parts of a path without odd numbers', (tone) => {
		const outline = outlineOf(tone, { x: 1 / 3, y: -2 / 3 }, 3.333)
		expect(outline).toMatch(/^M[-\d. a-zA-Z]+Z$/)
		for (const number of outline.match(/-?\d+\.?\d*/g) ?? []) expect(number.length).toBeLessThanOrEqual(6)
	})
})
