import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ANY, linkRules, merge } from './links.ts'
import type { LinkCondition } from './state.ts'

const names = fc.constantFrom('h1', 'h2', 'h3', ANY)
const changes = fc.array(
	fc.record({ a: names, b: names, cut: fc.boolean(), delayMs: fc.nat(500), lossPercent: fc.nat(100) }),
	{ maxLength: 12 },
)

function conditionsOf(
	list: { a: string; b: string; cut: boolean; delayMs: number; lossPercent: number }[],
): LinkCondition[] {
	return list.reduce<LinkCondition[]>((conditions, { a, b, ...change }) => merge(conditions, a, b, change), [])
}

describe('conditions of links', () => {
	it('hold in both directions', () => {
		expect(merge([], 'h1', 'h2', { cut: true }).map(({ from, to }) => [from, to])).toEqual([
			['h1', 'h2'],
			['h2', 'h1'],
		])
	})

	it('of one link add up, whatever the order of the names', () => {
		const both = merge(merge([], 'h1', 'h2', { delayMs: 20 }), 'h2', 'h1', { lossPercent: 5 })
		expect(both).toHaveLength(2)
		for (const condition of both) expect(condition).toMatchObject({ cut: false, delayMs: 20, lossPercent: 5 })
	})

	it('are gone once healed, and those of other links stay', () => {
		const cut = merge(merge([], 'h1', 'h2', { cut: true }), 'h1', ANY, { delayMs: 10 })
		const healed = merge(cut, 'h2', 'h1', { cut: false, delayMs: 0, lossPercent: 0 })
		expect(healed.map(({ from, to }) => [from, to])).toEqual([
			['h1', ANY],
			[ANY, 'h1'],
		])
	})
})

describe('rules for the switch', () => {
	it('of intact links accept everything', () => {
		expect(linkRules([])).toEqual({ text: '*filter\n:FORWARD ACCEPT\n:INPUT ACCEPT\nCOMMIT\n', queues: [] })
	})

	it('drop between two hosts without touching the way to the registry', () => {
		const { text } = linkRules(merge([], 'h1', 'h2', { cut: true }))
		expect(text).toContain('-A FORWARD -m physdev --physdev-is-bridged --physdev-in h1 --physdev-out h2 -j DROP\n')
		expect(text).toContain('-A FORWARD -m physdev --physdev-is-bridged --physdev-in h2 --physdev-out h1 -j DROP\n')
		expect(text).not.toContain('-A INPUT')
	})

	it('of a host that is cut off drop its way to the registry, too', () => {
		const { text } = linkRules(merge([], 'h3', ANY, { cut: true }))
		expect(text).toContain('-A INPUT -m physdev --physdev-in h3 -j DROP\n')
	})

	it('ask for cuts first, then losses, then delays, because the first verdict is final', () => {
		fc.assert(
			fc.property(changes, (list) => {
				const { text } = linkRules(conditionsOf(list))
				const forward = text.split('\n').filter((line) => line.startsWith('-A FORWARD'))
				const ranks = forward.map((line) => (line.includes('NFQUEUE') ? 2 : line.includes('statistic') ? 1 : 0))
				expect(ranks).toEqual([...ranks].sort())
			}),
		)
	})

	it('use exactly the queues that are served', () => {
		fc.assert(
			fc.property(changes, (list) => {
				const { text, queues } = linkRules(conditionsOf(list))
				const used = new Set([...text.matchAll(/--queue-num (\d+)/g)].map((match) => Number(match[1])))
				expect([...used].sort((a, b) => a - b)).toEqual(queues.map(({ queue }) => queue))
			}),
		)
	})
})
