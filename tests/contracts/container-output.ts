import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { LogLine } from '../../agent/protocol/index.ts'
import type { RuntimeEvent } from '../../agent/runtime/runtime.ts'
import { linesOf, type RuntimeFixture, refusal } from './runtime-fixture.ts'

/** The part of the runtime's contract that is streams: logs, statistics, events. */
export function containerOutputContract(fixture: RuntimeFixture): void {
	const { mine, run } = fixture

	describe('logs', () => {
		it('gives the last lines with time, stream and replica', async () => {
			const id = await run({ command: fixture.under.commands.write(['one', 'two', '', 'tail with  spaces']) })
			await linesOf(fixture.runtime.logs(id, { replica: 0, tail: 100, follow: true }), 4)
			const lines = await linesOf(fixture.runtime.logs(id, { replica: 7, tail: 3, follow: false }))
			expect(lines.map(({ text }) => text)).toEqual(['two', '', 'tail with  spaces'])
			for (const line of lines) {
				expect(line).toMatchObject({ stream: 'stdout', replica: 7 })
				expect(Math.abs(Date.now() - Date.parse(line.at))).toBeLessThan(60_000)
			}
			const since = lines[1]?.at
			const later = await linesOf(fixture.runtime.logs(id, { replica: 7, tail: 100, follow: false, since }))
			expect(later.at(-1)?.text).toBe('tail with  spaces')
			const future = new Date(Date.now() + 3_600_000).toISOString()
			expect(await linesOf(fixture.runtime.logs(id, { replica: 7, tail: 100, follow: false, since: future }))).toEqual(
				[],
			)
		})

		it('tells stdout from stderr', async () => {
			const id = await run({ command: fixture.under.commands.bothStreams })
			const lines = await linesOf(fixture.runtime.logs(id, { replica: 0, tail: 100, follow: true }), 2)
			expect(lines.map(({ stream, text }) => `${stream} ${text}`).sort()).toEqual(['stderr err', 'stdout out'])
		})

		it('follows ten thousand lines in order, however slowly they are read', async () => {
			const id = await run({ command: fixture.under.commands.count(10_000) })
			const texts: string[] = []
			for await (const batch of fixture.runtime.logs(id, { replica: 0, tail: 100_000, follow: true })) {
				texts.push(...batch.map(({ text }) => text))
				if (texts.length >= 10_000) break
				await delay(1)
			}
			expect(texts).toEqual(Array.from({ length: 10_000 }, (_, index) => `line ${index + 1}`))
		})

		it('ends when the container does', async () => {
			const id = await run({ command: fixture.under.commands.write(['here']) })
			const following = linesOf(fixture.runtime.logs(id, { replica: 0, tail: 10, follow: true }))
			await linesOf(fixture.runtime.logs(id, { replica: 0, tail: 10, follow: true }), 1)
			await fixture.runtime.stop(id, 1)
			expect((await following).map(({ text }) => text)).toEqual(['here'])
		})

		it('ends without an error when it is aborted', async () => {
			const id = await run({ command: fixture.under.commands.write(['here']) })
			const abort = new AbortController()
			const lines: LogLine[] = []
			for await (const batch of fixture.runtime.logs(id, {
				replica: 0,
				tail: 10,
				follow: true,
				signal: abort.signal,
			})) {
				lines.push(...batch)
				setTimeout(() => abort.abort(), 20)
			}
			expect(lines).toHaveLength(1)
		})

		it('has none of a container that does not exist', async () => {
			await refusal('NOT_FOUND', linesOf(fixture.runtime.logs('f'.repeat(64), { replica: 0, tail: 1, follow: false })))
		})
	})

	describe('statistics and events', () => {
		it('measures once, or until the container ends', async () => {
			const id = await run()
			const once = []
			for await (const sample of fixture.runtime.stats(id, { replica: 3, follow: false })) once.push(sample)
			expect(once).toHaveLength(1)
			expect(once[0]).toMatchObject({ replica: 3, memoryLimitBytes: 64 * 1024 * 1024 })
			expect(once[0]?.memoryBytes).toBeGreaterThan(0)
			expect(once[0]?.memoryBytes).toBeLessThan(64 * 1024 * 1024)
			expect(once[0]?.cpu).toBeLessThan(2)
			let samples = 0
			for await (const sample of fixture.runtime.stats(id, { replica: 0, follow: true })) {
				expect(sample.pids).toBeGreaterThan(0)
				if (++samples === 2) void fixture.runtime.stop(id, 0)
			}
			expect(samples).toBeGreaterThanOrEqual(2)
		})

		it('tells every change of containers with these labels, and of no others', async () => {
			const abort = new AbortController()
			const seen: RuntimeEvent[] = []
			const labels = { ...mine, 'lattice.workload': 'watched' }
			const subscribed = Promise.withResolvers<void>()
			const watching = (async () => {
				for await (const event of fixture.runtime.events(labels, abort.signal, subscribed.resolve)) seen.push(event)
			})()
			await subscribed.promise
			const id = await run({ labels })
			await run({ labels: { ...mine, 'lattice.workload': 'other' } })
			await fixture.runtime.stop(id, 1)
			await fixture.runtime.remove(id)
			const deadline = Date.now() + 10_000
			while (!seen.some(({ action }) => action === 'destroy') && Date.now() < deadline) await delay(10)
			abort.abort()
			await watching
			expect(seen.every((event) => event.containerId === id && event.kind === 'container')).toBe(true)
			expect(seen[0]?.labels).toEqual(labels)
			const actions = seen.map(({ action }) => action).filter((action) => action !== 'kill')
			expect(actions).toEqual(['create', 'start', 'die', 'stop', 'destroy'])
			expect(Math.abs(Date.now() - Date.parse(seen[0]?.at ?? ''))).toBeLessThan(60_000)
		})
	})
}
