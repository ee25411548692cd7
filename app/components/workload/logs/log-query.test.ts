import { describe, expect, it } from 'vitest'
import { logQueryOf, withLogQuery } from './log-query.ts'

describe('which lines are shown, in the URL', () => {
	it('is there and back, beside what else there is', () => {
		const query = { search: 'a & b?', least: 'warning', replica: 2 } as const
		const search = withLogQuery('?usage=day', query)
		expect(logQueryOf(new URLSearchParams(search))).toEqual(query)
		expect(new URLSearchParams(search).get('usage')).toBe('day')
	})

	it('is left out where nothing is chosen', () => {
		const nothing = { search: '', least: 'debug', replica: null } as const
		expect(withLogQuery('?log=x&level=error&replica=0', nothing)).toBe('')
		expect(withLogQuery('?level=error&usage=day', nothing)).toBe('?usage=day')
	})

	it('is nothing where it cannot be read', () => {
		const nothing = { search: '', least: 'debug', replica: null }
		expect(logQueryOf(new URLSearchParams('level=loud&replica=-1'))).toEqual(nothing)
		expect(logQueryOf(new URLSearchParams('replica=1.5'))).toEqual(nothing)
	})
})
