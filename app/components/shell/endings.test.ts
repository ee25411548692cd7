import { describe, expect, it } from 'vitest'
import type { Workload } from '../../../agent/protocol/index.ts'
import type { DeletedData } from '../../services/services.ts'
import { endingsOf } from './endings.ts'

const at = (status: Workload['status']) => new Map([['w', { id: 'w', name: 'web', status } as Workload]])
const none = new Set<string>()
const untold = new Map()

describe('what is told of an order that ended', () => {
	it('is how it ended, with the way to its page', () => {
		expect(endingsOf(at('pulling'), at('running'), none, untold)).toEqual([
			{ workloadId: 'w', text: 'web is running', to: '/workloads/w', outcome: 'running' },
		])
		expect(endingsOf(at('starting'), at('failed'), none, untold)[0]?.text).toBe('web has failed')
		expect(endingsOf(at('stopping'), at('stopped'), none, untold)[0]?.outcome).toBe('stopped')
	})

	it('is that it is deleted for good, which leads nowhere, and what became of its data as far as that is known', () => {
		const deleted = (data: DeletedData) => endingsOf(at('deleting'), new Map(), new Set(['w']), new Map([['w', data]]))
		const text = 'web and the data in its volumes are deleted. This cannot be undone.'
		expect(deleted('deleted')).toEqual([{ workloadId: 'w', text, to: null, outcome: 'deleted' }])
		expect(deleted('kept')[0]?.text).toBe('web is deleted, which cannot be undone. Its volumes are kept.')
		expect(deleted('none')[0]?.text).toBe('web is deleted, which cannot be undone. It had no volumes.')
		const gap = endingsOf(at('deleting'), new Map(), new Set(['w']), untold)
		expect(gap[0]?.text).toBe('web is deleted. This cannot be undone.')
	})

	it('is nothing while it goes on, or of what nobody ordered', () => {
		expect(endingsOf(at('pulling'), at('starting'), none, untold)).toEqual([])
		expect(endingsOf(at('running'), at('unhealthy'), none, untold)).toEqual([])
		expect(endingsOf(at('unhealthy'), at('running'), none, untold)).toEqual([])
		// its host cannot be reached: nobody knows how it ended
		expect(endingsOf(at('starting'), at('unknown'), none, untold)).toEqual([])
	})
})
