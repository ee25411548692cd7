import { describe, expect, it } from 'vitest'
import type { NodeView } from '../../agent/protocol/index.ts'
import { pageOfNodes } from './node-page.ts'

function view(name: string, number: number, labels: Record<string, string> = {}): NodeView {
	const peerId = `12D3Koo${name}`
	const relayed = `/ip4/203.0.113.9/tcp/4100/p2p/12D3KooRelay/p2p-circuit/p2p/${peerId}`
	const addresses = [`/ip4/192.168.1.${number}/tcp/4100/p2p/${peerId}`, `/ip6/fd00::${number}/tcp/4100`, relayed]
	const liveness = number % 10 === 0 ? 'down' : 'alive'
	return { status: { peerId, name, labels, addresses }, liveness } as unknown as NodeView
}

const views = Array.from({ length: 60 }, (_, index) =>
	view(`m${index + 1}`, index + 1, index < 30 ? { rack: 'Left' } : {}),
)
const names = (search: string, page = 1) => pageOfNodes(views, { search, page }).rows.map(({ name }) => name)

describe('a page of machines', () => {
	it('is by name, as people count, and 25 long', () => {
		expect(names('').slice(0, 3)).toEqual(['m1', 'm2', 'm3'])
		expect(pageOfNodes(views, { search: '', page: 3 })).toMatchObject({
			page: 3,
			pages: 3,
			found: 60,
			total: 60,
			alive: 54,
		})
		expect(names('', 3)).toHaveLength(10)
		expect(pageOfNodes(views, { search: '', page: 99 }).page).toBe(3)
		expect(pageOfNodes([], { search: '', page: 2 })).toMatchObject({ rows: [], page: 1, pages: 1 })
	})

	it('is found by name, label, address and peer id, every word of them', () => {
		expect(names('M42')).toEqual(['m42'])
		expect(pageOfNodes(views, { search: 'rack=left', page: 1 }).found).toBe(30)
		expect(names('left m1 ')).toEqual(['m1', ...Array.from({ length: 10 }, (_, index) => `m${index + 10}`)])
		expect(names('192.168.1.7:4100')).toEqual(['m7'])
		expect(names('[fd00::8]')).toEqual(['m8'])
		expect(names('12d3koom9')).toEqual(['m9'])
		expect(names('/ip4/192.168.1.60/')).toEqual(['m60'])
	})

	it('says at which address it was found, and is not found by what all addresses have or by its relay', () => {
		expect(pageOfNodes(views, { search: '1.60', page: 1 }).foundAt).toEqual({ '12D3Koom60': '192.168.1.60:4100' })
		expect(names('tcp')).toEqual([])
		expect(names('203.0.113.9')).toEqual([])
	})
})
