import { expect, it } from 'vitest'
import type { AssignmentRecord } from '../models/assignment.server.ts'
import { leavingOf } from './leaving.ts'

const at = (peerId: string, ordered: number[], state: AssignmentRecord['state'] = 'taken'): AssignmentRecord => ({
	...{ workloadId: 'w', nodeName: peerId, generation: 1, command: null, revision: 1, report: null },
	...{ peerId, ordered, state, updatedAt: new Date() },
})

it('says of each workload what goes, what stays elsewhere, and which data is here only', () => {
	const records = [
		{
			...{ id: 'w1', name: 'orders', type: 'postgres', config: {}, ownerId: 'ada' },
			assignments: [at('h1', [0])],
		},
		{
			...{ id: 'w2', name: 'web', type: 'custom', config: { image: 'web', replicas: 3 }, ownerId: 'ada' },
			assignments: [at('h1', [0]), at('h2', [1, 2]), at('h3', [3], 'removed')],
		},
		{ ...{ id: 'w3', name: 'gone', type: 'custom', config: {}, ownerId: 'ada' }, assignments: [at('h1', [0], 'lost')] },
		{ ...{ id: 'w4', name: 'secret', type: 'custom', config: {}, ownerId: 'bob' }, assignments: [at('h1', [0])] },
	]
	const leaving = leavingOf(records, 'h1', (owner) => owner === 'ada')
	expect(leaving).toEqual({
		workloads: [
			{ id: 'w1', name: 'orders', here: 1, elsewhere: 0, volumes: ['data'] },
			{ id: 'w2', name: 'web', here: 1, elsewhere: 2, volumes: [] },
		],
		hidden: 1,
	})
})
