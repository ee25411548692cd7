import { describe, expect, it } from 'vitest'
import { mergeAsync } from './merge-async.ts'

async function* counting(prefix: string, count: number, onEnd: () => void = () => undefined) {
	try {
		for (let index = 0; index < count; index += 1) yield `${prefix}${index}`
	} finally {
		onEnd()
	}
}

const failing: AsyncIterable<string> = {
	[Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('gone')) }),
}

async function collect(source: AsyncIterable<string>): Promise<string[]> {
	const values: string[] = []
	for await (const value of source) values.push(value)
	return values
}

describe('merged sources', () => {
	it('give all values, each source in its order', async () => {
		const values = await collect(mergeAsync([counting('a', 3), counting('b', 2), counting('c', 0)]))
		expect(values.toSorted()).toEqual(['a0', 'a1', 'a2', 'b0', 'b1'])
		expect(values.filter((value) => value.startsWith('a'))).toEqual(['a0', 'a1', 'a2'])
	})

	it('are all ended when one is enough, or when one fails', async () => {
		const ended: string[] = []
		const sources = ['a', 'b'].map((name) => counting(name, 9, () => ended.push(name)))
		for await (const _ of mergeAsync(sources)) break
		expect(ended.toSorted()).toEqual(['a', 'b'])
		await expect(collect(mergeAsync([counting('c', 9, () => ended.push('c')), failing]))).rejects.toThrow('gone')
		expect(ended).toContain('c')
	})
})
