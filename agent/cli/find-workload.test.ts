import { describe, expect, it } from 'vitest'
import type { Workload } from '../protocol/index.ts'
import { pickWorkload } from './find-workload.ts'

function workload(id: string, name: string): Workload {
	return {
		id,
		name,
		type: 'custom',
		status: 'running',
		statusReason: null,
		generation: 1,
		node: null,
		replicas: 1,
		publicUrl: null,
		endpoints: [],
		createdAt: '',
		updatedAt: '',
	}
}
const all = [workload('w_1', 'web'), workload('w_2', 'db'), workload('w_3', 'db')]

describe('a workload by name or id', () => {
	it('is found by either', () => {
		expect(pickWorkload(all, 'web').id).toBe('w_1')
		expect(pickWorkload(all, 'w_3').name).toBe('db')
	})
	it('is not guessed', () => {
		expect(() => pickWorkload(all, 'db')).toThrow(/give the id: w_2, w_3/)
		expect(() => pickWorkload(all, 'nope')).toThrow(/no workload "nope"/)
	})
})
