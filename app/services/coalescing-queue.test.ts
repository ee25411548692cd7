import { describe, expect, it } from 'vitest'
import { CoalescingQueue } from './coalescing-queue.server.ts'

async function take<T>(queue: AsyncIterable<T>, count: number): Promise<T[]> {
	const taken: T[] = []
	for await (const value of queue) {
		taken.push(value)
		if (taken.length === count) break
	}
	return taken
}

describe('a coalescing queue', () => {
	it('keeps the newest of each key, in the order of the newest', async () => {
		const queue = new CoalescingQueue<string>(new AbortController().signal)
		for (const [key, value] of [
			['a', 'a1'],
			['b', 'b1'],
			['a', 'a2'],
			['c', 'c1'],
		] as const)
			queue.push(key, value)
		expect(await take(queue, 3)).toEqual(['b1', 'a2', 'c1'])
	})

	it('gives what comes while it is read', async () => {
		const queue = new CoalescingQueue<number>(new AbortController().signal)
		const taken = take(queue, 2)
		queue.push('a', 1)
		await Promise.resolve()
		queue.push('b', 2)
		expect(await taken).toEqual([1, 2])
	})

	it('ends with its signal, also while it waits', async () => {
		const abort = new AbortController()
		const all = take(new CoalescingQueue<number>(abort.signal), 1)
		abort.abort()
		expect(await all).toEqual([])
	})

	it('ends the stream of a reader that does not read, and never grows past its bound', async () => {
		const queue = new CoalescingQueue<number>(new AbortController().signal)
		for (let index = 0; index < 1_000; index += 1) queue.push('same', index)
		expect(await take(queue, 1)).toEqual([999])
		for (let index = 0; index <= 1_000; index += 1) queue.push(`key ${index}`, index)
		expect(await take(queue, 1)).toEqual([])
	})
})
