import { useEffect, useState } from 'react'
import type { WireError, WorkloadEvent } from '../../../../agent/protocol/index.ts'
import { eventKey } from '../../live/live-store.ts'
import { LogBuffer, type LogRow } from './log-buffer.ts'
import { followLogs, type LogState, type Standing } from './log-source.ts'

/** Fast enough to read along, slow enough that a flood costs one render each time (ui.md). */
const FLUSH_MS = 250

export interface LogStream {
	rows: readonly LogRow[]
	waiting: number
	state: LogState
	problem: WireError | null
	open(key: number): void
}

interface Options {
	workloadId: string
	/** true: what comes waits, and the view stands still */
	paused: boolean
	standing: Standing
	events: readonly WorkloadEvent[]
}

/** Phases that explain a silence or a beginning in the log. Progress of a pull is the timeline's. */
const MARKED = new Set(['started', 'running', 'unhealthy', 'stopping', 'stopped', 'restarting', 'failed'])

export function useLogStream({ workloadId, paused, standing, events }: Options): LogStream {
	const [held] = useState(() => ({ buffer: new LogBuffer(), marked: new Set<string>(), cursor: { after: '' } }))
	const [view, setView] = useState<{ rows: readonly LogRow[]; waiting: number }>({ rows: [], waiting: 0 })
	const [state, setState] = useState<LogState>('connecting')
	const [problem, setProblem] = useState<WireError | null>(null)
	const { buffer, marked, cursor } = held

	useEffect(
		() =>
			followLogs(
				{ workloadId, standing, cursor },
				{ push: (lines, skipped) => buffer.push(lines, skipped), setState, setProblem },
			),
		[workloadId, standing, cursor, buffer],
	)

	useEffect(() => {
		for (const event of events) {
			const key = eventKey(event)
			if (!MARKED.has(event.phase) || marked.has(key)) continue
			marked.add(key)
			buffer.mark(event)
		}
	}, [events, buffer, marked])

	useEffect(() => {
		const draw = () => {
			const changed = !paused && buffer.flush()
			setView((old) =>
				changed || old.waiting !== buffer.waiting ? { rows: buffer.rows, waiting: buffer.waiting } : old,
			)
		}
		// At once, too: who goes on after a pause sees what waited.
		draw()
		const timer = setInterval(draw, FLUSH_MS)
		return () => clearInterval(timer)
	}, [buffer, paused])

	function open(key: number) {
		buffer.open(key)
		setView({ rows: buffer.rows, waiting: buffer.waiting })
	}
	return { ...view, state, problem, open }
}
