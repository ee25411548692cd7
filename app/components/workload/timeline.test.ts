import { describe, expect, it } from 'vitest'
import type { Phase, WorkloadEvent } from '../../../agent/protocol/index.ts'
import { timelineOf } from './timeline.ts'

const START = Date.parse('2026-11-24T12:00:00.000Z')

function event(phase: Phase, second: number, more: Partial<WorkloadEvent> = {}): WorkloadEvent {
	return {
		seq: second * 10,
		at: new Date(START + second * 1_000).toISOString(),
		node: 'peer',
		workloadId: 'w_00000000000000000000',
		commandId: 'order-one',
		replica: null,
		phase,
		message: null,
		progress: null,
		placement: null,
		error: null,
		...more,
	}
}

const states = (steps: ReturnType<typeof timelineOf>) => steps.map(({ state }) => state)
const running = { status: 'running', replicas: 1, error: null } as const

describe('timelineOf', () => {
	it('gives each step the time since the one before', () => {
		const events = [
			event('accepted', 0),
			event('placed', 1),
			event('pulling', 1),
			event('pulled', 11),
			event('creating', 11),
			event('started', 12),
			event('running', 15),
		]
		const steps = timelineOf(events, running)
		expect(states(steps)).toEqual(['done', 'done', 'done', 'done', 'done'])
		expect(steps.map(({ durationMs }) => durationMs)).toEqual([null, 1_000, 10_000, 1_000, 3_000])
	})

	it('shows the newest byte count while it pulls, and nothing beyond', () => {
		const progress = (percent: number) => ({
			image: 'a',
			currentBytes: percent,
			totalBytes: 100,
			percent,
			layersDone: 0,
			layers: 1,
		})
		const events = [
			event('accepted', 0),
			event('placed', 1),
			event('pulling', 2, { progress: progress(10) }),
			event('pulling', 3, { progress: progress(40) }),
		]
		const steps = timelineOf(events, { status: 'pulling', replicas: 1, error: null })
		expect(states(steps)).toEqual(['done', 'done', 'active', 'waiting', 'waiting'])
		expect(steps[2]?.progress?.percent).toBe(40)
		expect(steps[2]?.title).toBe('Pulling')
	})

	it('says so when nothing had to be pulled', () => {
		const events = [
			event('accepted', 0),
			event('placed', 1),
			event('creating', 1),
			event('started', 2),
			event('running', 3),
		]
		expect(timelineOf(events, running)[2]).toMatchObject({ state: 'done', detail: 'image was there', durationMs: null })
	})

	it('marks the step that did not end when it failed, with the error', () => {
		const error = { code: 'IMAGE_NOT_FOUND' as const, message: 'No such image.', facts: {} }
		const events = [event('accepted', 0), event('placed', 1), event('pulling', 2), event('failed', 3, { error })]
		const steps = timelineOf(events, { status: 'failed', replicas: 1, error: null })
		expect(states(steps)).toEqual(['done', 'done', 'failed', 'waiting', 'waiting'])
		expect(steps[2]?.error?.code).toBe('IMAGE_NOT_FOUND')
	})

	it('takes Ready back from what ran and then broke', () => {
		const events = [
			event('accepted', 0),
			event('placed', 1),
			event('started', 2),
			event('running', 3),
			event('failed', 90),
		]
		expect(states(timelineOf(events, { status: 'failed', replicas: 1, error: null }))).toEqual([
			'done',
			'done',
			'done',
			'done',
			'failed',
		])
	})

	it('waits for the last replica', () => {
		const events = [event('accepted', 0), event('placed', 1), event('running', 2, { replica: 0 })]
		const two = { status: 'starting', replicas: 2, error: null } as const
		expect(timelineOf(events, two)[4]).toMatchObject({ state: 'waiting', at: null })
		expect(timelineOf(events, two)[2]).toMatchObject({ state: 'active' })
		const both = timelineOf([...events, event('running', 8, { replica: 1 })], { ...two, status: 'running' })
		expect(both[4]).toMatchObject({ state: 'done', detail: '2 of 2 replicas' })
	})

	it('begins with the first event of the last order, which console and host both accept', () => {
		const events = [
			event('accepted', 0, { commandId: 'order-old' }),
			event('running', 5, { commandId: 'order-old' }),
			event('accepted', 100, { node: 'console' }),
			event('placed', 101, { node: 'console' }),
			event('accepted', 102, { node: 'host' }),
			event('running', 110, { node: 'host' }),
		]
		expect(timelineOf(events, running).map(({ durationMs }) => durationMs)).toEqual([null, 1_000, 9_000, 0, 0])
	})

	it('shows no step under way for what is stopped or unknown', () => {
		for (const status of ['stopped', 'unknown', 'deleting'] as const) {
			expect(states(timelineOf([event('accepted', 0)], { status, replicas: 1, error: null }))).not.toContain('active')
		}
	})

	it('never counts backwards when clocks of two machines differ', () => {
		const events = [event('accepted', 10), event('placed', 11), event('running', 3)]
		for (const { durationMs } of timelineOf(events, running)) expect(durationMs ?? 0).toBeGreaterThanOrEqual(0)
	})
})
