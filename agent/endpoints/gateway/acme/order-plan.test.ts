import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dueAt, nextOrder, ORDER_LIMITS, type Standing } from './order-plan.ts'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const NOW = Date.parse('2026-11-27T00:00:00Z')
const fresh = (owner = 'ada'): Standing => ({ owner, validity: null, failures: 0, orderedAt: null })

describe('when a certificate is ordered', () => {
	it('at once for a new name', () => {
		expect(dueAt('a.test', fresh())).toBeLessThanOrEqual(NOW)
	})

	it('a third of its life ahead of its end, spread over a thirtieth, whatever its life', () => {
		fc.assert(
			fc.property(fc.domain(), fc.integer({ min: 6, max: 400 }), (name, days) => {
				const validity = { from: NOW, to: NOW + days * DAY_MS }
				const at = dueAt(name, { owner: 'ada', validity, failures: 0, orderedAt: NOW })
				expect(validity.to - at).toBeGreaterThanOrEqual((days * DAY_MS) / 3 - 1)
				expect(validity.to - at).toBeLessThanOrEqual((days * DAY_MS) / 3 + (days * DAY_MS) / 30)
			}),
		)
	})

	it('at other times for names that were ordered together', () => {
		const validity = { from: NOW, to: NOW + 90 * DAY_MS }
		const at = (name: string) => dueAt(name, { ...fresh(), validity, orderedAt: NOW })
		expect(at('a.test')).not.toBe(at('b.test'))
	})

	it('later after each failure in a row, and at last twice a day', () => {
		const waits = [1, 2, 3, 4, 5, 6, 7, 100].map(
			(failures) => dueAt('a', { ...fresh(), failures, orderedAt: NOW }) - NOW,
		)
		expect(waits.map((wait) => wait / 60_000)).toEqual([1, 5, 15, 60, 180, 720, 720, 720])
	})

	it('never in a loop, though the server gives what is old already', () => {
		const validity = { from: NOW - 90 * DAY_MS, to: NOW - DAY_MS }
		expect(dueAt('a', { ...fresh(), validity, orderedAt: NOW })).toBe(NOW + HOUR_MS)
	})
})

describe('which is ordered next', () => {
	it('one that has none before one that is to be renewed', () => {
		const validity = { from: NOW - 80 * DAY_MS, to: NOW + 10 * DAY_MS }
		const wanted = new Map([
			['old.test', { ...fresh(), validity, orderedAt: NOW - 80 * DAY_MS }],
			['new.test', fresh()],
		])
		expect(nextOrder(wanted, [...wanted.values()], NOW)).toBe('new.test')
	})

	it('none of an owner who has had all that one may have in an hour; another goes on', () => {
		const had = Array.from({ length: ORDER_LIMITS.perOwnerHour }, () => ({ ...fresh('eve'), orderedAt: NOW - 1 }))
		const wanted = new Map([
			['a.test', fresh('eve')],
			['b.test', fresh('ada')],
		])
		expect(nextOrder(wanted, had, NOW)).toBe('b.test')
		expect(nextOrder(new Map([['a.test', fresh('eve')]]), had, NOW)).toBeNull()
		expect(nextOrder(wanted, had, NOW + HOUR_MS)).toBe('a.test')
	})

	it('none at all once the hour is full', () => {
		const had = Array.from({ length: ORDER_LIMITS.perHour }, (_, n) => ({ ...fresh(`o${n}`), orderedAt: NOW - 1 }))
		expect(nextOrder(new Map([['a.test', fresh()]]), had, NOW)).toBeNull()
	})
})
