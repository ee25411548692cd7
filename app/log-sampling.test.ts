import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { LogLine } from '../agent/protocol/index.ts'
import { type SampledLines, sampled } from './log-sampling.server.ts'

const line = (index: number): LogLine => ({
	at: '2026-01-01T00:00:00Z',
	stream: 'stdout',
	text: String(index),
	replica: 0,
})
const batchOf = (from: number, count: number) => Array.from({ length: count }, (_, index) => line(from + index))

async function all(source: AsyncIterable<SampledLines>): Promise<SampledLines[]> {
	const batches: SampledLines[] = []
	for await (const batch of source) batches.push(batch)
	return batches
}

describe('sampled', () => {
	it('hands a quiet log on as it is', async () => {
		async function* source() {
			yield batchOf(0, 3)
			await delay(20)
			yield batchOf(3, 1)
		}
		const batches = await all(sampled(source(), { everyMs: 5, most: 10 }))
		expect(batches.flatMap(({ lines }) => lines.map(({ text }) => text))).toEqual(['0', '1', '2', '3'])
		expect(batches.every(({ skipped }) => skipped === 0)).toBe(true)
	})

	it('of a flood keeps the newest, and counts every line', async () => {
		const TOTAL = 200_000
		async function* source() {
			for (let from = 0; from < TOTAL; from += 500) {
				yield batchOf(from, 500)
				if (from % 50_000 === 0) await delay(1)
			}
		}
		const batches = await all(sampled(source(), { everyMs: 10, most: 1_000 }))
		const shown = batches.reduce((sum, { lines }) => sum + lines.length, 0)
		const skipped = batches.reduce((sum, batch) => sum + batch.skipped, 0)
		expect(shown + skipped).toBe(TOTAL)
		expect(batches.every(({ lines }) => lines.length <= 1_000)).toBe(true)
		expect(batches.at(-1)?.lines.at(-1)?.text).toBe(String(TOTAL - 1))
	})

	it('passes a failure on after what came before it', async () => {
		async function* source(): AsyncGenerator<LogLine[]> {
			yield batchOf(0, 1)
			throw new Error('gone')
		}
		const seen: number[] = []
		const reading = (async () => {
			for await (const { lines } of sampled(source(), { everyMs: 1, most: 10 })) seen.push(lines.length)
		})()
		await expect(reading).rejects.toThrow('gone')
		expect(seen).toEqual([1])
	})
})
