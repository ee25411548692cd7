import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogLine, WorkloadEvent } from '../../../../agent/protocol/index.ts'
import { LogBuffer, type LogRow } from './log-buffer.ts'

const line = (index: number): LogLine => ({
	at: new Date(Date.UTC(2026, 0, 1) + index).toISOString(),
	stream: 'stdout',
	text: String(index),
	replica: 0,
})
const lines = (from: number, count: number) => Array.from({ length: count }, (_, index) => line(from + index))
const textOf = (row: LogRow) =>
	row.kind === 'line' ? row.line.text : row.kind === 'gap' ? `gap ${row.skipped}` : row.event.phase
const limits = { rows: 50, flush: 10, held: 20 }

describe('LogBuffer', () => {
	it('shows nothing before a flush, and everything after', () => {
		const buffer = new LogBuffer(limits)
		buffer.push(lines(0, 3))
		expect(buffer.rows).toEqual([])
		expect(buffer.waiting).toBe(3)
		expect(buffer.flush()).toBe(true)
		expect(buffer.rows.map(textOf)).toEqual(['0', '1', '2'])
		expect(buffer.flush()).toBe(false)
	})

	it('keeps the newest of a flood, and what it skipped behind one row', () => {
		const buffer = new LogBuffer(limits)
		buffer.push(lines(0, 25))
		buffer.flush()
		expect(buffer.rows.map(textOf)).toEqual(['gap 15', ...lines(15, 10).map(({ text }) => text)])
		const gap = buffer.rows[0]
		buffer.open(gap?.key ?? -1)
		expect(buffer.rows.map(textOf)).toEqual(lines(0, 25).map(({ text }) => text))
	})

	it('names what it could not hold, also after the gap was opened', () => {
		const buffer = new LogBuffer(limits)
		buffer.push(lines(0, 100))
		buffer.flush()
		expect(textOf(buffer.rows[0] as LogRow)).toBe('gap 90')
		buffer.open((buffer.rows[0] as LogRow).key)
		expect(buffer.rows.map(textOf)).toEqual(['gap 70', ...lines(70, 30).map(({ text }) => text)])
	})

	it('puts lifecycle events between the lines of their time', () => {
		const buffer = new LogBuffer(limits)
		buffer.push(lines(0, 2))
		buffer.push([line(10)])
		buffer.mark({ at: line(5).at, phase: 'running' } as WorkloadEvent)
		buffer.flush()
		expect(buffer.rows.map(textOf)).toEqual(['0', '1', 'running', '10'])
	})

	it('never shows more rows than its limit, and every key once', () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 0, max: 70 }), { maxLength: 30 }), (batches) => {
				const buffer = new LogBuffer(limits)
				let next = 0
				for (const count of batches) {
					buffer.push(lines(next, count))
					next += count
					buffer.flush()
				}
				expect(buffer.rows.length).toBeLessThanOrEqual(limits.rows)
				expect(new Set(buffer.rows.map(({ key }) => key)).size).toBe(buffer.rows.length)
				if (next > 0) expect(textOf(buffer.rows.at(-1) as LogRow)).toBe(String(next - 1))
			}),
		)
	})

	it('accounts for every line it was given, shown, held or named', () => {
		fc.assert(
			fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 5 }), (batches) => {
				const buffer = new LogBuffer({ ...limits, rows: 10_000 })
				for (const count of batches) {
					buffer.push(lines(0, count))
					buffer.flush()
				}
				const counted = buffer.rows.reduce((sum, row) => sum + (row.kind === 'gap' ? row.skipped : 1), 0)
				expect(counted).toBe(batches.reduce((sum, count) => sum + count, 0))
			}),
		)
	})
})
