import { describe, expect, it } from 'vitest'
import type { Node, Workload, WorkloadEvent } from '../../../agent/protocol/index.ts'
import { HUB, heightOf, layoutOf, placesOf } from './lattice-layout.ts'
import { commandsOf, routeOf, wiresOf } from './lattice-wires.ts'

const names = ['h1', 'h2', 'h3', 'h4']
const layout = layoutOf(names.length)
const places = placesOf(
	names.map((peerId) => ({ peerId })),
	layout,
)
const placeOf = (peerId: string | null) => (peerId === null ? HUB : (places.get(peerId) ?? null))
const at = (peerId: string | null) => `${placeOf(peerId)?.x} ${placeOf(peerId)?.y}`

describe('the lines of the picture', () => {
	it('lead from the console to what it reaches, by way of the relay where there is one', () => {
		const path = (peerId: string, through: string | null | undefined) =>
			({ peerId, path: through === undefined ? null : { through, rttMs: 1 } }) as Node
		const nodes = [path('h1', null), path('h2', undefined), path('h3', 'h1'), { peerId: 'h4' } as Node]
		expect(wiresOf(nodes, placeOf)).toEqual({
			direct: `M${at(null)}L${at('h1')}`,
			relayed: `M${at('h1')}L${at('h3')}`,
		})
	})

	it('leave no machine outside of the picture', () => {
		for (const count of [1, 4, 5, 40, 200]) {
			const nodes = Array.from({ length: count }, (_, index) => ({ peerId: `h${index}` }))
			const many = layoutOf(count)
			for (const { y } of placesOf(nodes, many).values())
				expect(y + many.cell / 2).toBeLessThanOrEqual(heightOf(many) + 0.5)
		}
	})
})

describe('commands under way', () => {
	const host = (peerId: string) => ({ peerId, name: peerId })
	const workload = (status: Workload['status'], ...on: string[]) =>
		({
			...{ id: 'w', status, node: on[0] === undefined ? null : host(on[0]) },
			instances: on.map((peerId, replica) => ({ replica, node: host(peerId), status, statusReason: null })),
		}) as Workload
	const placed = (by: string) => ({ phase: 'placed', placement: { by } }) as WorkloadEvent
	const under = (one: Workload, ...events: WorkloadEvent[]) =>
		commandsOf({ workloads: new Map([['w', one]]), events: new Map([['w', events]]) }, new Set(names))

	it('go from who placed them to each host, until they have ended', () => {
		expect(under(workload('pulling', 'h2', 'h3'), placed('console'))).toEqual([
			{ workloadId: 'w', from: null, to: ['h2', 'h3'] },
		])
		expect(under(workload('pulling', 'h3'), placed('h2'))).toEqual([{ workloadId: 'w', from: 'h2', to: ['h3'] }])
		expect(under(workload('running', 'h3'), placed('h2'))).toEqual([])
	})

	it('have no way where the one that took them runs them', () => {
		expect(under(workload('starting', 'h2'), placed('h2'))).toEqual([])
		expect(under(workload('pending'), placed('h2'))).toEqual([])
	})

	it('are drawn as lines', () => {
		expect(routeOf('h2', ['h3', 'gone'], placeOf)).toBe(`M${at('h2')}L${at('h3')}`)
		expect(routeOf('gone', ['h3'], placeOf)).toBe('')
	})
})
