import { describe, expect, it } from 'vitest'
import type { Placement } from '../../../agent/protocol/index.ts'
import { barsOf } from './placement-picture.tsx'

const node = { peerId: 'a', name: 'atlas' }
const placement = (scores: number[], chosen = true): Placement => ({
	chosen: chosen ? [{ replica: 0, node }] : [],
	candidates: [
		{
			node,
			score: scores.reduce((sum, score) => sum + score, 0),
			reasons: scores.map((score, index) => ({ name: `reason ${index}`, score, detail: '' })),
		},
	],
	rejected: [],
	at: '',
	by: 'a',
})

describe('the bars of a placement', () => {
	it('stack what speaks for a node to the right, what speaks against it to the left', () => {
		const [bar] = barsOf(placement([10, -4, 0, 5, -1]))
		expect(bar?.segments).toEqual([
			{ name: 'reason 0', from: 0, to: 10 },
			{ name: 'reason 1', from: -4, to: 0 },
			{ name: 'reason 3', from: 10, to: 15 },
			{ name: 'reason 4', from: -5, to: -4 },
		])
		expect(bar).toMatchObject({ chosen: true, score: 10 })
		expect(barsOf(placement([1], false))[0]?.chosen).toBe(false)
	})
})
