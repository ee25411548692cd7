import { expect, it } from 'vitest'
import type { Rumour } from './events.ts'
import { RumourQueue } from './rumour-queue.ts'

const about = (subject: string, kind: 'suspect' | 'alive' = 'suspect'): Rumour => ({
	statement: kind === 'suspect' ? { kind, subject, incarnation: 1 } : { kind, incarnation: 2 },
	subject,
	signed: { by: 'somebody', body: `${kind} ${subject}`, signature: '' },
})

it('tells each rumour a number of times that grows with the logarithm of the members, then no more', () => {
	for (const [members, times] of [
		[9, 4],
		[25, 8],
		[99, 8],
		[500, 12],
	] as const) {
		const queue = new RumourQueue()
		queue.add(about('a'))
		let told = 0
		while (queue.take(members) !== undefined) told++
		expect(told).toBe(times)
	}
})

it('tells at most four at once, the least told first, and all in the end', () => {
	const queue = new RumourQueue()
	for (let i = 0; i < 6; i++) queue.add(about(`n${i}`))
	const first = queue.take(25) ?? []
	const second = queue.take(25) ?? []
	expect(first).toHaveLength(4)
	expect(new Set([...first, ...second].map(({ body }) => body)).size).toBe(6)
})

it('a newer rumour about the same member takes the place of the older', () => {
	const queue = new RumourQueue()
	queue.add(about('a'))
	queue.add(about('a', 'alive'))
	expect(queue.take(25)?.map(({ body }) => body)).toEqual(['alive a'])
	queue.dropDoubt('a')
	expect(queue.size).toBe(1)
	queue.add(about('a'))
	queue.dropDoubt('a')
	expect(queue.size).toBe(0)
})
