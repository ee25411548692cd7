import { describe, expect, it } from 'vitest'
import type { Workload, WorkloadEvent } from '../../../agent/protocol/index.ts'
import { applyMessage, LiveStore, mergeEvents, mergeWorkloads, NOTHING_YET } from './live-store.ts'

const workload = (id: string, updated: number, status = 'running') =>
	({ id, name: id, status, updatedAt: new Date(updated).toISOString() }) as Workload
const event = (seq: number, at: number, more: Partial<WorkloadEvent> = {}) =>
	({
		seq,
		node: 'n',
		workloadId: 'a',
		commandId: 'c',
		replica: null,
		at: new Date(at).toISOString(),
		progress: null,
		...more,
	}) as WorkloadEvent
const snapshot = (...workloads: Workload[]) => ({ type: 'snapshot' as const, at: '', workloads, nodes: [], alerts: [] })

describe('mergeWorkloads', () => {
	it('takes the newer of loaded and live, and adds what the loader did not know', () => {
		const state = applyMessage(NOTHING_YET, snapshot(workload('a', 1, 'pulling'), workload('b', 9), workload('c', 1)))
		const merged = mergeWorkloads([workload('a', 5), workload('b', 2, 'pulling')], state)
		expect(merged.map(({ id, status }) => [id, status])).toEqual([
			['a', 'running'],
			['b', 'running'],
			['c', 'running'],
		])
	})

	it('drops what was removed, also while nobody listened', () => {
		const before = applyMessage(NOTHING_YET, snapshot(workload('a', 1), workload('b', 1)))
		expect(
			mergeWorkloads(
				[workload('a', 1), workload('b', 1)],
				applyMessage(before, { type: 'removed', workloadId: 'a', data: null }),
			).map(({ id }) => id),
		).toEqual(['b'])
		expect(
			mergeWorkloads([workload('a', 1), workload('b', 1)], applyMessage(before, snapshot(workload('a', 1)))).map(
				({ id }) => id,
			),
		).toEqual(['a'])
	})
})

describe('mergeEvents', () => {
	it('has each event once, in order of time', () => {
		expect(mergeEvents([event(1, 10), event(2, 20)], [event(2, 20), event(3, 15)]).map(({ seq }) => seq)).toEqual([
			1, 3, 2,
		])
	})
	it('keeps the newest progress of a pull only', () => {
		const progress = (at: number) =>
			event(0, at, { progress: { image: 'i', currentBytes: at, totalBytes: 9, percent: 1, layers: 1, layersDone: 0 } })
		expect(mergeEvents([progress(5)], [progress(3), progress(8)]).map(({ progress: p }) => p?.currentBytes)).toEqual([
			8,
		])
	})
})

describe('LiveStore', () => {
	it('says when it last heard, and when it lost the line', () => {
		const store = new LiveStore()
		let told = 0
		const stop = store.subscribe(() => {
			told += 1
		})
		store.lost()
		expect(store.getState().connection).toBe('connecting')
		store.receive({ type: 'hello', at: '', console: 'atlas' }, 100)
		store.lost()
		expect(store.getState()).toMatchObject({ connection: 'reconnecting', lastAt: 100, console: 'atlas' })
		store.beat(200)
		expect(store.getState()).toMatchObject({ connection: 'live', lastAt: 200 })
		stop()
		store.beat(300)
		expect(told).toBe(3)
	})
})
