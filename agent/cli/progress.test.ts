import { describe, expect, it } from 'vitest'
import type { PullProgress, WorkloadEvent } from '../protocol/index.ts'
import { barLine, ProgressRenderer } from './progress.ts'
import type { Terminal } from './terminal.ts'

function fakeTerminal(live: boolean) {
	const written: string[] = []
	const unused = () => Promise.reject(new Error('nobody is asked here'))
	const terminal: Terminal = {
		out: (line) => written.push(`out:${line}`),
		notice: (line) => written.push(line),
		draw: (text) => written.push(`draw:${text}`),
		live,
		columns: 60,
		rows: 24,
		interactive: false,
		confirm: unused,
		ask: unused,
		askSecret: unused,
	}
	return { terminal, written }
}

const START = Date.parse('2026-01-01T00:00:00Z')
function event(phase: WorkloadEvent['phase'], seconds: number, more: Partial<WorkloadEvent> = {}): WorkloadEvent {
	return {
		seq: 1,
		at: new Date(START + seconds * 1000).toISOString(),
		node: 'n',
		workloadId: 'w_00000000000000000000',
		commandId: 'c',
		replica: null,
		phase,
		message: null,
		progress: null,
		placement: null,
		error: null,
		...more,
	}
}
function pulled(percent: number): PullProgress {
	return {
		image: 'nginx',
		currentBytes: percent * 1024 ** 2,
		totalBytes: 100 * 1024 ** 2,
		percent,
		layers: 1,
		layersDone: 0,
	}
}
const pulling = (percent: number) => event('pulling', 1, { progress: pulled(percent) })

describe('progress', () => {
	it('redraws one line on a terminal and takes it away before the next phase', () => {
		const { terminal, written } = fakeTerminal(true)
		const progress = new ProgressRenderer(terminal)
		for (const each of [event('accepted', 0), pulling(0), pulling(50), event('creating', 3)]) progress.show(each)
		progress.end()
		expect(written).toHaveLength(5)
		expect(written[0]).toBe('   0 s  accepted')
		expect(written[2]).toContain(`draw:\r\u001b[K  ${'█'.repeat(12)}${'░'.repeat(12)} 50 %  50.0 MiB of 100 MiB`)
		expect(written[3]).toBe('draw:\r\u001b[K')
		expect(written[4]).toBe('   3 s  creating')
	})

	it('writes whole lines in steps where there is no terminal', () => {
		const { terminal, written } = fakeTerminal(false)
		const progress = new ProgressRenderer(terminal)
		for (let percent = 0; percent <= 100; percent++) progress.show(pulling(percent))
		progress.end()
		expect(written.map((line) => line.match(/\d+ %/)?.[0])).toEqual(['0 %', '25 %', '50 %', '75 %', '100 %'])
		expect(written.join('')).not.toContain('\u001b')
	})

	it('says why it was placed and why it failed, without the other side’s control characters', () => {
		const { terminal, written } = fakeTerminal(false)
		const node = { peerId: 'p', name: 'h3' }
		const placement = {
			chosen: [{ replica: 0, node }],
			candidates: [{ node, score: 1, reasons: [{ name: 'memory', score: 1, detail: '61 % of its memory is free' }] }],
			rejected: [],
			at: '',
			by: '',
		}
		const progress = new ProgressRenderer(terminal)
		progress.show(event('placed', 0, { placement }))
		progress.show(event('placed', 1, { placement, node: 'the host says it again' }))
		progress.show(
			event('failed', 2, { replica: 1, error: { code: 'IMAGE_NOT_FOUND', message: 'no\u001b[2J such', facts: {} } }),
		)
		expect(written).toEqual([
			'   0 s  placed on h3: 61 % of its memory is free',
			'   2 s  failed [1]: no\u{fffd}[2J such (IMAGE_NOT_FOUND)',
		])
	})

	it('never wraps', () => {
		for (const columns of [1, 10, 40, 200]) expect(barLine(pulled(33), columns).length).toBeLessThan(columns)
	})
})
