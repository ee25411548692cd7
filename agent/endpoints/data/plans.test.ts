import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attempts, RETRY_MS, unknownWays, WAYS, type WayRecords, worthRetrying } from './path-choice.ts'
import { planPool, UNUSED_MS } from './pool-plan.ts'

const time = fc.option(fc.integer({ min: 0, max: 100_000 }))
const record = fc.record({ workedAt: time, failedAt: time })
const records: fc.Arbitrary<WayRecords> = fc.record({ direct: record, ready: record, mesh: record })
const all = [...WAYS]

describe('the choice of a way', () => {
	it('tries all of a host that is new, the best first, soon after each other', () => {
		expect(attempts(unknownWays(), all, 0)).toEqual([
			{ way: 'direct', afterMs: 0 },
			{ way: 'ready', afterMs: 250 },
			{ way: 'mesh', afterMs: 1_750 },
		])
	})

	it('takes what works, and keeps what failed lately for the last', () => {
		const known = unknownWays()
		known.direct.failedAt = 1_000
		known.mesh.workedAt = 1_000
		expect(attempts(known, all, 2_000).map(({ way }) => way)).toEqual(['mesh', 'ready', 'direct'])
		known.ready.workedAt = 1_500
		expect(attempts(known, all, 2_000)[0]).toEqual({ way: 'ready', afterMs: 0 })
		known.direct = { workedAt: 1_800, failedAt: null }
		expect(attempts(known, all, 2_000)[0]?.way).toBe('direct')
	})

	it('never leaves a way out, nor one in that is not there', () => {
		fc.assert(
			fc.property(records, fc.subarray(all, { minLength: 1 }), fc.nat(200_000), (known, available, now) => {
				const plan = attempts(known, available, now)
				expect(plan.map(({ way }) => way).toSorted()).toEqual(available.toSorted())
				expect(plan[0]?.afterMs).toBe(0)
				for (const [at, { afterMs }] of plan.entries())
					if (at > 0) expect(afterMs).toBeGreaterThan(plan[at - 1]?.afterMs ?? 0)
			}),
		)
	})

	it('looks for a better way each half minute, never for a worse', () => {
		const known = unknownWays()
		known.direct.failedAt = 0
		expect(worthRetrying(known, ['direct', 'mesh'], 'mesh', RETRY_MS - 1)).toEqual([])
		expect(worthRetrying(known, ['direct', 'mesh'], 'mesh', RETRY_MS)).toEqual(['direct'])
		fc.assert(
			fc.property(records, fc.constantFrom(...WAYS), fc.nat(200_000), (state, used, now) => {
				for (const better of worthRetrying(state, all, used, now))
					expect(WAYS.indexOf(better)).toBeLessThan(WAYS.indexOf(used))
			}),
		)
	})
})

describe('the pool of ready connections', () => {
	const quiet = { idle: 0, coming: 0, waiting: 0, usedLately: 0, unusedMs: 0 }
	const state = fc.record({
		idle: fc.nat(300),
		coming: fc.nat(300),
		waiting: fc.nat(500),
		usedLately: fc.nat(2_000),
		unusedMs: fc.nat(2 * UNUSED_MS),
	})

	it('keeps some while it is in use, more when more is used, none when nothing is', () => {
		expect(planPool(quiet, 256)).toEqual({ ask: 2, close: 0 })
		expect(planPool({ ...quiet, usedLately: 60 }, 256)).toEqual({ ask: 15, close: 0 })
		expect(planPool({ ...quiet, idle: 9, unusedMs: UNUSED_MS }, 256)).toEqual({ ask: 0, close: 9 })
	})

	it('serves all who wait, and never holds more than the limit', () => {
		fc.assert(
			fc.property(state, fc.integer({ min: 1, max: 256 }), (now, limit) => {
				const { ask, close } = planPool(now, limit)
				expect(now.idle + now.coming + ask).toBeLessThanOrEqual(Math.max(limit, now.idle + now.coming))
				expect(close).toBeLessThanOrEqual(now.idle)
				if (ask > 0) expect(close).toBe(0)
				const coming = now.idle + now.coming + ask
				expect(coming).toBeGreaterThanOrEqual(Math.min(now.waiting, limit))
			}),
		)
	})
})
