import { describe, expect, it } from 'vitest'
import { KeyedQueue } from './keyed-queue.server.ts'

describe('a keyed queue', () => {
	it('runs one key in order, past failures, and other keys meanwhile', async () => {
		const queue = new KeyedQueue()
		const done: string[] = []
		const gate = Promise.withResolvers<void>()
		const first = queue.run('a', async () => {
			await gate.promise
			done.push('a1')
			throw new Error('a1 failed')
		})
		const second = queue.run('a', async () => done.push('a2'))
		await queue.run('b', async () => done.push('b1'))
		expect(queue.waiting('a')).toBe(2)
		gate.resolve()
		await expect(first).rejects.toThrow('a1 failed')
		await second
		expect(done).toEqual(['b1', 'a1', 'a2'])
		expect(queue.waiting('a')).toBe(0)
	})
})
