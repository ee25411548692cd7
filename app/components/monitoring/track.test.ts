import { describe, expect, it } from 'vitest'
import type { Sample } from '../../../agent/protocol/index.ts'
import { Track } from './track.ts'

const T0 = Date.UTC(2026, 0, 1)
const sample = (second: number, replica: number | null, cpu: number | null): Sample => ({
	workloadId: null,
	replica,
	at: new Date(T0 + second * 1000).toISOString(),
	cpu,
	cpuLimit: 2,
	memoryBytes: 10,
	memoryLimitBytes: null,
	diskBytes: null,
	diskLimitBytes: null,
	rxRate: 1,
	txRate: null,
	readRate: null,
	writeRate: null,
})

describe('Track', () => {
	it('adds up replicas of one moment, and keeps what is unknown unknown', () => {
		const track = new Track()
		track.push([sample(0.4, 0, 1), sample(1.2, 1, 0.5), sample(5.1, 0, null)])
		const { at, values } = track.columns
		expect(at).toEqual([T0 / 1000, T0 / 1000 + 5])
		expect(values.cpu).toEqual([1.5, null])
		expect(values.rxRate).toEqual([2, 1])
		expect(values.diskBytes).toEqual([null, null])
		expect(track.limits).toEqual({ cpu: 4, memoryBytes: null })
	})

	it('is ten minutes long', () => {
		const track = new Track()
		for (let second = 0; second < 1_200; second += 5) track.push([sample(second, null, 1)])
		expect(track.columns.at).toHaveLength(121)
	})
})
