import { describe, expect, it } from 'vitest'
import type { Workload } from '../../../agent/protocol/index.ts'
import { endingsOf } from './endings.ts'

const at = (status: Workload['status']) => new Map([['w', { id: 'w', name: 'web', status } as Workload]])
const none = new Set<string>()

describe('what is told of an order that ended', () => {
	it('is how it ended, with the way to its page', () => {
		expect(endingsOf(at('pulling'), at('running'), none)).toEqual([
			{ workloadId: 'w', text: 'web is running', to: '/workloads/w', outcome: 'running' },
		])
		expect(endingsOf(at('starting'), at('failed'), none)[0]?.text).toBe('web has failed')
		expect(endingsOf(at('stopping'), at('stopped'), none)[0]?.outcome).toBe('stopped')
	})

	it('is that it is deleted, which leads nowhere', () => {
		expect(endingsOf(at('deleting'), new Map(), new Set(['w']))).toEqual([
			{ workloadId: 'w', text: 'web is deleted', to: null, outcome: 'deleted' },
		])
	})

	it('is nothing while it goes on, or of what nobody ordered', () => {
		expect(endingsOf(at('pulling'), at('starting'), none)).toEqual([])
		expect(endingsOf(at('running'), at('unhealthy'), none)).toEqual([])
		expect(endingsOf(at('unhealthy'), at('running'), none)).toEqual([])
		// its host cannot be reached: nobody knows how it ended
		expect(endingsOf(at('starting'), at('unknown'), none)).toEqual([])
	})
})
