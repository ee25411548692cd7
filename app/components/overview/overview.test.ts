import { describe, expect, it } from 'vitest'
import type { Node, Workload, WorkloadStatus } from '../../../agent/protocol/index.ts'
import { matches } from '../../services/workload-search.ts'
import { filterWorkloads, hrefOf, queryOf, statusesOf } from './filters.ts'
import { countByTone, exceptionsOf, summarize, tonesOf } from './summary.ts'

function workload(name: string, status: WorkloadStatus, more: Partial<Workload> = {}): Workload {
	return {
		id: `w_${name.padEnd(20, '0')}`,
		name,
		type: 'custom',
		status,
		statusReason: null,
		generation: 1,
		node: { peerId: 'p1', name: 'atlas' },
		replicas: 1,
		publicUrl: null,
		endpoints: [],
		createdAt: '2026-11-24T12:00:00.000Z',
		updatedAt: '2026-11-24T12:00:00.000Z',
		...more,
	}
}

const node = (name: string, status: Node['status'], ready = true): Node => ({
	peerId: name,
	name,
	status,
	labels: {},
	capacity: { cpus: 1, memoryBytes: 1, diskBytes: 1 },
	allocated: { cpus: 0, memoryBytes: 0, diskBytes: 0 },
	arch: 'amd64',
	engine: { ready, reason: ready ? null : 'Start Docker.', version: null },
	gateway: false,
	lastSeenAt: '2026-11-24T12:00:00.000Z',
})

describe('summarize', () => {
	it('says all is well in one breath', () => {
		expect(summarize(countByTone([workload('a', 'running'), workload('b', 'running')])).sentence).toBe('All 2 healthy')
		expect(summarize(countByTone([workload('a', 'running')])).sentence).toBe('1 workload, healthy')
	})
	it('names every kind of exception, and takes the worst as its tone', () => {
		const mixed = [
			workload('a', 'running'),
			workload('b', 'failed'),
			workload('c', 'unknown'),
			workload('d', 'pulling'),
			workload('e', 'stopped'),
		]
		expect(summarize(countByTone(mixed))).toEqual({
			sentence: '1 of 4 healthy, 1 failed, 1 unknown, 1 on the way, 1 stopped',
			tone: 'failed',
		})
	})
	it('does not call an empty or a stopped lattice healthy', () => {
		expect(summarize(countByTone([])).tone).toBe('stopped')
		expect(summarize(countByTone([workload('a', 'stopped')])).sentence).toBe('1 workload, all stopped')
	})
})

describe('exceptionsOf', () => {
	it('puts failures first, and leaves the well ones out', () => {
		const found = exceptionsOf(
			[workload('u', 'unknown'), workload('f', 'failed'), workload('r', 'running')],
			[node('n', 'alive'), node('e', 'alive', false)],
		)
		expect(found.map(({ subject, tone }) => [subject, tone])).toEqual([
			['f', 'failed'],
			['e', 'degraded'],
			['u', 'unknown'],
		])
		expect(found[1]?.sentence).toBe('Start Docker.')
	})
})

describe('filters', () => {
	const all = [
		workload('orders-db', 'running', { type: 'postgres' }),
		workload('site', 'failed'),
		workload('cams', 'unknown'),
	]
	it('counts what each filter would show, within the search', () => {
		const { rows, counts, all: total } = filterWorkloads(all, { tone: 'failed', search: '' })
		expect(rows.map(({ name }) => name)).toEqual(['site'])
		expect([total, counts.healthy, counts.failed, counts.unknown]).toEqual([3, 1, 1, 1])
		expect(filterWorkloads(all, { tone: null, search: 'postgres' }).counts.failed).toBe(0)
	})
	it('finds every word anywhere', () => {
		expect(matches(all[0] as Workload, 'ORDERS atlas')).toBe(true)
		expect(matches(all[0] as Workload, 'orders heron')).toBe(false)
	})
	it('gives each status to one tone', () => {
		expect(statusesOf('healthy')).toEqual(['running'])
		expect(statusesOf(null)).toEqual([])
		expect(tonesOf({ pulling: 2, starting: 1, failed: 1 })).toMatchObject({ progressing: 3, failed: 1, healthy: 0 })
	})
	it('lives in the URL and back', () => {
		const query = { tone: 'failed', search: 'a b', page: 3 } as const
		expect(queryOf(new URL(hrefOf(query), 'http://c').searchParams)).toEqual(query)
		expect(queryOf(new URLSearchParams('status=nonsense'))).toEqual({ tone: null, search: '', page: 1 })
		expect(hrefOf({ tone: null, search: '', page: 1 })).toBe('/')
	})
})
