import { describe, expect, it } from 'vitest'
import type { Sample } from '../../agent/protocol/index.ts'
import { alertsOf, Thresholds } from './thresholds.ts'

const minute = (memoryBytes: number | null, more: Partial<Sample> = {}): Sample => ({
	workloadId: null,
	replica: null,
	at: '2026-01-01T00:00:00.000Z',
	cpu: 1,
	cpuLimit: 4,
	memoryBytes,
	memoryLimitBytes: 100,
	diskBytes: null,
	diskLimitBytes: null,
	rxRate: null,
	txRate: null,
	readRate: null,
	writeRate: null,
	...more,
})
const thresholds = Thresholds.parse({ minutes: 3 })

describe('alerts', () => {
	it('want the whole time above, and say how far', () => {
		const high = [minute(95), minute(97), minute(99)]
		expect(alertsOf(high, 'peer', thresholds)).toEqual([
			{
				id: 'peer',
				kind: 'node',
				metric: 'memory',
				share: expect.closeTo(0.97),
				threshold: 0.9,
				replica: null,
				node: 'peer',
			},
		])
		expect(alertsOf(high.slice(1), 'peer', thresholds)).toEqual([])
		expect(alertsOf([...high, minute(50)], 'peer', thresholds)).toEqual([])
		expect(alertsOf([minute(10), ...high], 'peer', thresholds)).toHaveLength(1)
	})

	it('know nothing of what was not measured', () => {
		expect(alertsOf([minute(99), minute(null), minute(99)], 'peer', thresholds)).toEqual([])
		const unlimited = minute(99, { memoryLimitBytes: 0 })
		expect(alertsOf([unlimited, unlimited, unlimited], 'peer', thresholds)).toEqual([])
	})

	it('name the workload and its replica', () => {
		const replica = minute(99, { workloadId: 'w_00000000000000000000', replica: 2, cpu: 4 })
		const alerts = alertsOf([replica, replica, replica], 'peer', thresholds)
		expect(alerts.map(({ id, metric, replica }) => [id, metric, replica])).toEqual([
			['w_00000000000000000000', 'cpu', 2],
			['w_00000000000000000000', 'memory', 2],
		])
	})

	it('take shares only', () => {
		expect(Thresholds.safeParse({ cpu: 90 }).success).toBe(false)
		expect(Thresholds.safeParse({ minutes: 0 }).success).toBe(false)
	})
})
