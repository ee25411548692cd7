import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WORKLOAD_STATUSES, type Workload, type WorkloadStatus } from '../../agent/protocol/index.ts'
import { PAGE_SIZE, pageOf } from './workload-page.ts'

function workload(index: number, status: WorkloadStatus): Workload {
	const at = '2026-11-24T12:00:00.000Z'
	return {
		id: `w_${String(index).padStart(20, '0')}`,
		name: `name-${String(index).padStart(4, '0')}`,
		type: index % 2 === 0 ? 'custom' : 'postgres',
		status,
		statusReason: null,
		generation: 1,
		node: null,
		replicas: 1,
		publicUrl: null,
		endpoints: [],
		createdAt: at,
		updatedAt: at,
	}
}

const many = (count: number, status: WorkloadStatus = 'running') =>
	Array.from({ length: count }, (_, index) => workload(index, status))

describe('pageOf', () => {
	it('gives all of a lattice that fits on one page, whatever was asked', () => {
		const page = pageOf(many(PAGE_SIZE), { statuses: ['failed'], search: 'x', page: 7 })
		expect([page.rows.length, page.page, page.pages, page.total]).toEqual([PAGE_SIZE, 1, 1, PAGE_SIZE])
	})

	it('shows those that need a person first, wherever their page is', () => {
		const all = [...many(200), workload(900, 'unhealthy'), workload(901, 'failed')]
		const { attention } = pageOf(all, { statuses: [], search: '', page: 1 })
		expect(attention.map(({ status }) => status)).toEqual(['failed', 'unhealthy'])
	})

	it('shows each that was found on exactly one page, and counts the same', () => {
		const status = fc.constantFrom(...WORKLOAD_STATUSES)
		fc.assert(
			fc.property(
				fc.array(status, { minLength: PAGE_SIZE + 1, maxLength: 260 }),
				fc.subarray([...WORKLOAD_STATUSES]),
				fc.constantFrom('', 'postgres', 'name-00'),
				(statuses, chosen, search) => {
					const all = statuses.map((each, index) => workload(index, each))
					const first = pageOf(all, { statuses: chosen, search, page: 1 })
					const rows = Array.from(
						{ length: first.pages },
						(_, index) => pageOf(all, { statuses: chosen, search, page: index + 1 }).rows,
					).flat()
					expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
					const counted = (chosen.length === 0 ? WORKLOAD_STATUSES : chosen).map((each) => first.counts[each] ?? 0)
					expect(rows.length).toBe(counted.reduce((sum, count) => sum + count, 0))
					expect(pageOf(all, { statuses: chosen, search, page: 10_000 }).page).toBe(first.pages)
				},
			),
		)
	})
})
