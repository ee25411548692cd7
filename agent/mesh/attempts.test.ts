import { expect, test } from 'vitest'
import { Attempts } from './attempts.ts'

test('the limit counts failures of one source within a minute', () => {
	const attempts = new Attempts(3)
	for (const at of [0, 1000, 2000]) {
		attempts.check('10.77.0.2', at)
		attempts.fail('10.77.0.2', at)
	}
	expect(() => attempts.check('10.77.0.2', 3000)).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }))
	attempts.check('10.77.0.3', 3000)
	attempts.check('10.77.0.2', 60_000)
	attempts.fail('10.77.0.2', 60_000)
	expect(() => attempts.check('10.77.0.2', 60_500)).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }))
})

test('a flood of sources forgets the oldest, not the newest', () => {
	const attempts = new Attempts(1)
	for (let source = 0; source <= 10_000; source++) attempts.fail(String(source), 0)
	attempts.check('0', 1)
	expect(() => attempts.check('10000', 1)).toThrow(expect.objectContaining({ code: 'RATE_LIMITED' }))
})
