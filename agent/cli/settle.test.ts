import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Phase, Workload, WorkloadEvent } from '../protocol/index.ts'
import type { Lattice } from './client/lattice.ts'
import { settled } from './settle.ts'

const COMMAND = 'c1'
const event = (phase: Phase, commandId = COMMAND) => ({ phase, commandId, progress: null }) as WorkloadEvent
const workload = (status: Workload['status']) => ({ id: 'w1', status }) as Workload

/** A workload that has settled at once, and events that come when they like. */
function latticeOf(status: Workload['status'], events: () => AsyncIterable<WorkloadEvent>): Lattice {
	async function* heard(_id: string, signal: AbortSignal) {
		for await (const event of events()) {
			if (signal.aborted) return
			yield event
		}
	}
	return { get: async () => workload(status), events: heard } as unknown as Lattice
}

async function watch(lattice: Lattice, goal: Workload['status'] | null = 'running') {
	const phases: Phase[] = []
	const settledAs = await settled(lattice, 'w1', {
		commandId: COMMAND,
		goal,
		signal: new AbortController().signal,
		onEvent: ({ phase }) => phases.push(phase),
	})
	return { phases, status: settledAs?.status }
}

describe('settled', () => {
	it('tells of every step, though the status was there before the events', async () => {
		const lattice = latticeOf('running', async function* () {
			await sleep(30)
			yield event('running', 'an order before')
			yield event('accepted')
			await sleep(30)
			yield event('creating')
			yield event('running')
		})
		expect(await watch(lattice)).toEqual({ phases: ['accepted', 'creating', 'running'], status: 'running' })
	})

	it('answers without events whose stream has broken off', async () => {
		const lattice = latticeOf('running', () => {
			throw new Error('the way is gone')
		})
		expect(await watch(lattice)).toEqual({ phases: [], status: 'running' })
	})

	it('answers without events that never come', async () => {
		const silence = { [Symbol.asyncIterator]: () => ({ next: () => over.promise }) }
		const over = Promise.withResolvers<IteratorResult<WorkloadEvent>>()
		const answer = watch(latticeOf('running', () => silence))
		setTimeout(() => over.resolve({ done: true, value: undefined }), 2_500)
		expect(await answer).toEqual({ phases: [], status: 'running' })
	})

	it('believes a status that is not the goal once the order has ended', async () => {
		const lattice = latticeOf('failed', async function* () {
			yield event('accepted')
			yield event('failed')
		})
		expect(await watch(lattice)).toEqual({ phases: ['accepted', 'failed'], status: 'failed' })
	})
})
