import { describe, expect, it } from 'vitest'
import type { Workload } from '../../agent/protocol/index.ts'
import { countOnNodes } from './on-nodes.ts'

const node = (name: string) => ({ peerId: name, name })
const workload = (status: Workload['status'], first: string | null, ...others: string[]) =>
	({
		status,
		node: first === null ? null : node(first),
		instances: [...(first === null ? [] : [first]), ...others].map((name, replica) => ({ replica, node: node(name) })),
	}) as unknown as Workload

describe('the workloads on each node', () => {
	it('count where their replicas are, once on each', () => {
		const workloads = [
			workload('running', 'h1', 'h1', 'h2'),
			workload('failed', 'h2'),
			workload('running', 'h2'),
			workload('pending', null),
		]
		expect(countOnNodes(workloads)).toEqual({ h1: { running: 1 }, h2: { running: 2, failed: 1 } })
	})

	it('count at the home of the order while no replica is known', () => {
		expect(countOnNodes([{ ...workload('pending', 'h1'), instances: undefined }])).toEqual({ h1: { pending: 1 } })
	})
})
