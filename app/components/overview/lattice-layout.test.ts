import { describe, expect, it } from 'vitest'
import { arcOf, dotsOf, layoutOf, PICTURE_WIDTH } from './lattice-layout.ts'

describe('the picture of the lattice', () => {
	it.each([1, 2, 3, 7, 20, 64, 200])('has a place for each of %i nodes, within its width', (count) => {
		const { columns, rows, cell } = layoutOf(count)
		expect(columns * rows).toBeGreaterThanOrEqual(count)
		expect(columns * cell).toBeLessThanOrEqual(PICTURE_WIDTH + 0.001)
		expect(rows * cell).toBeLessThanOrEqual(640)
	})

	it('names a few, and not a crowd', () => {
		expect(layoutOf(5).named).toBe(true)
		expect(layoutOf(200).named).toBe(false)
	})

	it('keeps dots apart and inside', () => {
		const dots = dotsOf(30, 100)
		for (const { x, y } of dots) expect(Math.hypot(x, y)).toBeLessThan(100)
		const gaps = dots.flatMap((a, i) => dots.slice(i + 1).map((b) => Math.hypot(a.x - b.x, a.y - b.y)))
		expect(Math.min(...gaps)).toBeGreaterThan(15)
	})

	it('draws half a ring to six o’clock', () => {
		expect(arcOf(0.5, 10)).toBe('M0 -10A10 10 0 0 1 0.00 10.00')
		expect(arcOf(2, 10)).toContain('0 1 1')
	})
})
