import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Sample } from '../protocol/index.ts'
import { SampleStore } from './sample-store.ts'

const T0 = Date.UTC(2026, 0, 1)
const WEB = 'w_00000000000000000000'

function sample(second: number, cpu: number | null, more: Partial<Sample> = {}): Sample {
	return {
		workloadId: null,
		replica: null,
		at: new Date(T0 + second * 1000).toISOString(),
		cpu,
		cpuLimit: 4,
		memoryBytes: 10,
		memoryLimitBytes: 100,
		diskBytes: null,
		diskLimitBytes: null,
		rxRate: null,
		txRate: null,
		readRate: null,
		writeRate: null,
		...more,
	}
}

const folder = mkdtempSync(join(tmpdir(), 'lattice-samples-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('SampleStore', () => {
	it('keeps a ring of each subject, and reads what is newer', () => {
		const store = new SampleStore(':memory:', { fine: 3, minutesMs: 3_600_000, minuteRows: 100 })
		for (let second = 0; second < 30; second += 5)
			store.add([sample(second, 1), sample(second, 2, { workloadId: WEB, replica: 0 })])
		expect(store.read('fine', null)).toHaveLength(6)
		expect(store.read('fine', sample(20, 0).at).map(({ at }) => at)).toEqual([sample(25, 0).at, sample(25, 0).at])
		expect(store.latest(T0 + 26_000)).toHaveLength(2)
		expect(store.latest(T0 + 120_000)).toEqual([])
		store.close()
	})

	it('writes the mean of each minute that is over, and finds it again after a restart', () => {
		const path = join(mkdtempSync(join(tmpdir(), 'lattice-samples-')), 'samples.sqlite')
		const limits = { fine: 10, minutesMs: 3_600_000, minuteRows: 100 }
		const store = new SampleStore(path, limits)
		store.add([sample(0, null)])
		store.add([sample(5, 1)])
		store.add([sample(55, 3)])
		expect(store.read('minute', null)).toEqual([])
		store.add([sample(61, 9)])
		store.close()
		const again = new SampleStore(path, limits)
		const minutes = again.read('minute', null)
		expect(minutes.map(({ at, cpu }) => [at, cpu])).toEqual([
			[sample(0, 0).at, 2],
			[sample(60, 0).at, 9],
		])
		expect(again.read('minute', sample(0, 0).at)).toHaveLength(1)
		again.close()
	})

	it('stays within its bounds, oldest first', () => {
		const store = new SampleStore(':memory:', { fine: 1, minutesMs: 3_600_000, minuteRows: 20 })
		for (let minute = 0; minute < 200; minute++) store.add([sample(minute * 60, minute)])
		const kept = store.read('minute', null)
		expect(kept.length).toBeLessThanOrEqual(20 + 10)
		expect(kept.at(-1)?.cpu).toBe(198)
		store.close()
	})

	it('begins anew when its file is damaged', () => {
		const path = join(mkdtempSync(join(tmpdir(), 'lattice-samples-')), 'samples.sqlite')
		writeFileSync(path, 'not a database, and long enough to be looked at as one'.repeat(40))
		const store = new SampleStore(path)
		store.add([sample(0, 1)])
		expect(store.read('fine', null)).toHaveLength(1)
		store.close()
	})
})
