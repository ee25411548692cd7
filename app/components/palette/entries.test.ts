import { describe, expect, it } from 'vitest'
import type { Node, Workload } from '../../../agent/protocol/index.ts'
import { entriesOf, search } from './entries.ts'

const workload = (id: string, name: string) =>
	({ id, name, type: 'postgres', status: 'running', node: null }) as Workload
const node = { peerId: '12D3', name: 'atlas', labels: { region: 'home' } } as unknown as Node
const entries = entriesOf(
	[workload('w_1', 'orders-db'), workload('w_2', 'db')],
	[node],
	[{ type: 'postgres', title: 'PostgreSQL' }],
)
const labels = (text: string) => search(entries, text, 20).map(({ label }) => label)

describe('the palette', () => {
	it('finds what begins with the words first, the shortest before', () => {
		expect(labels('db').slice(0, 2)).toEqual(['db', 'orders-db'])
		expect(labels('orders')[0]).toBe('orders-db')
	})

	it('finds by what a thing is, and by any order of words', () => {
		expect(labels('home')).toContain('atlas')
		expect(labels('w_1 terminal')).toEqual(['Terminal in orders-db'])
		expect(labels('machine join')).toContain('Join a machine')
		expect(labels('nothing like this')).toEqual([])
	})

	it('offers the pages before anything is typed', () => {
		expect(labels(' ').slice(0, 2)).toEqual(['Overview', 'Deploy a service'])
	})
})
