import { expect, test } from 'vitest'
import { Reachability } from './reachability.ts'

test('one that cannot dial it is reason for a relay; most must be able to, for it to be one', () => {
	const found = new Reachability()
	expect([found.isReachable, found.needsRelay]).toEqual([false, false])
	found.found('a', true, 0)
	expect([found.isReachable, found.needsRelay]).toEqual([true, false])
	found.found('b', false, 0)
	expect([found.isReachable, found.needsRelay]).toEqual([false, true])
	found.found('c', true, 0)
	expect([found.isReachable, found.needsRelay]).toEqual([true, true])
	found.keep(new Set(['a', 'c']))
	expect([found.isReachable, found.needsRelay]).toEqual([true, false])
	found.clear()
	expect(found.isReachable).toBe(false)
})

test('a no is looked at again after a minute, a yes after ten', () => {
	const found = new Reachability()
	expect(found.isDue('a', 0)).toBe(true)
	found.found('a', false, 0)
	found.found('b', true, 0)
	expect([found.isDue('a', 59_000), found.isDue('a', 61_000)]).toEqual([false, true])
	expect([found.isDue('b', 61_000), found.isDue('b', 601_000)]).toEqual([false, true])
})
