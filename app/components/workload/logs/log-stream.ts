import { useEffect, useState } from 'react'
import type { LogLine, WireError, WorkloadEvent } from '../../../../agent/protocol/index.ts'
import { eventKey } from '../../live/live-store.ts'
import { LogBuffer, type LogRow } from './log-buffer.ts'

/** Fast enough to read along, slow enough that a flood costs one render each time (ui.md). */
const FLUSH_MS = 250
const HISTORY_LINES = 500

export interface LogStream {
	rows: readonly LogRow[]
	waiting: number
	state: 'connecting' | 'following' | 'reconnecting' | 'ended'
	problem: WireError | null
	open(key: number): void
}

interface Options {
	workloadId: string
	/** true: what comes waits, and the view stands still */
	paused: boolean
	/** changes when the container starts again: an ended stream is then opened anew */
	epoch: string
	events: readonly WorkloadEvent[]
}

/** Phases that explain a silence or a beginning in the log. Progress of a pull is the timeline's. */
const MARKED = new Set(['started', 'running', 'unhealthy', 'stopping', 'stopped', 'restarting', 'failed'])

export function useLogStream({ workloadId, paused, epoch, events }: Options): LogStream {
	const [buffer] = useState(() => new LogBuffer())
	const [marked] = useState(() => new Set<string>())
	const [view, setView] = useState<{ rows: readonly LogRow[]; waiting: number }>({ rows: [], waiting: 0 })
	const [state, setState] = useState<LogStream['state']>('connecting')
	const [problem, setProblem] = useState<WireError | null>(null)

	// biome-ignore lint/correctness/useExhaustiveDependencies: a new epoch is a new stream
	useEffect(
		() => followLogs(workloadId, { push: (lines) => buffer.push(lines), setState, setProblem }),
		[workloadId, buffer, epoch],
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
		const timer = setInterval(() => {
			const changed = !paused && buffer.flush()
			setView((old) =>
				changed || old.waiting !== buffer.waiting ? { rows: buffer.rows, waiting: buffer.waiting } : old,
			)
		}, FLUSH_MS)
		return () => clearInterval(timer)
	}, [buffer, paused])

	function open(key: number) {
		buffer.open(key)
		setView({ rows: buffer.rows, waiting: buffer.waiting })
	}
	return { ...view, state, problem, open }
}

interface Sink {
	push(lines: LogLine[]): void
	setState(state: LogStream['state']): void
	setProblem(problem: WireError | null): void
}

/** One stream while the tab is seen: a browser has six connections to a host, and tabs that nobody reads need none. */
function followLogs(workloadId: string, { push, setState, setProblem }: Sink): () => void {
	let source: EventSource | null = null
	let done = false
	/** of the last line seen: a stream that is opened anew goes on after it */
	let after = ''

	function open() {
		if (done || source) return
		const query = new URLSearchParams({ lines: String(HISTORY_LINES), ...(after && { after }) })
		source = new EventSource(`/workloads/${workloadId}/logs?${query}`)
		source.onopen = () => {
			setState('following')
			setProblem(null)
		}
		source.onmessage = (message) => {
			after = message.lastEventId || after
			push(JSON.parse(message.data) as LogLine[])
		}
		source.addEventListener('end', () => finish('ended'))
		source.addEventListener('problem', (message) => {
			setProblem(JSON.parse((message as MessageEvent<string>).data) as WireError)
			finish('ended')
		})
		source.onerror = () => setState('reconnecting')
	}
	function close() {
		source?.close()
		source = null
	}
	function finish(state: LogStream['state']) {
		done = true
		close()
		setState(state)
	}
	function onVisibility() {
		if (document.visibilityState === 'hidden') close()
		else open()
	}

	setState('connecting')
	document.addEventListener('visibilitychange', onVisibility)
	open()
	return () => {
		done = true
		document.removeEventListener('visibilitychange', onVisibility)
		close()
	}
}
