import type { LogLine, WireError, WorkloadStatus } from '../../../../agent/protocol/index.ts'

export type LogState = 'before' | 'connecting' | 'following' | 'reconnecting' | 'ended'

/** before: there is no container yet · alive: one writes, or will again at once · over: what it wrote is all there is */
export type Standing = 'before' | 'alive' | 'over'

export function standingOf(status: WorkloadStatus): Standing {
	if (status === 'pending' || status === 'pulling' || status === 'creating') return 'before'
	return status === 'starting' || status === 'running' || status === 'unhealthy' ? 'alive' : 'over'
}

interface Subject {
	workloadId: string
	standing: Standing
	/** `at` of the newest line that was seen, kept over streams: what is opened anew goes on after it */
	cursor: { after: string }
}

interface Sink {
	/** `skipped`: so many came before these, faster than the console hands on */
	push(lines: LogLine[], skipped: number): void
	setState(state: LogState): void
	setProblem(problem: WireError | null): void
}

const HISTORY_LINES = 500
/** A restart ends the stream of the old container; the new one is there in about a second. */
const AGAIN_MS = 1_500

/** One stream while the tab is seen: a browser has six connections to a host, and tabs that nobody reads need none. */
export function followLogs(
	{ workloadId, standing, cursor }: Subject,
	{ push, setState, setProblem }: Sink,
): () => void {
	let source: EventSource | null = null
	let over = false
	let timer: ReturnType<typeof setTimeout> | undefined

	function open() {
		if (over || source) return
		const query = new URLSearchParams({ lines: String(HISTORY_LINES), ...(cursor.after && { after: cursor.after }) })
		source = new EventSource(`/workloads/${workloadId}/logs?${query}`)
		source.onopen = () => setState('following')
		source.onmessage = (message) => {
			cursor.after = message.lastEventId || cursor.after
			setProblem(null)
			const { lines, skipped } = JSON.parse(message.data) as { lines: LogLine[]; skipped: number }
			push(lines, skipped)
		}
		source.addEventListener('end', () => ended(null))
		source.addEventListener('problem', (message) => {
			ended(JSON.parse((message as MessageEvent<string>).data) as WireError)
		})
		source.onerror = () => {
			setState('reconnecting')
			// The answer was no event stream, and the browser does not retry that.
			if (source?.readyState === EventSource.CLOSED) ended(null)
		}
	}
	function close() {
		clearTimeout(timer)
		source?.close()
		source = null
	}
	function ended(problem: WireError | null) {
		close()
		setProblem(problem)
		if (standing === 'alive') timer = setTimeout(open, AGAIN_MS)
		else over = true
		setState(standing === 'alive' ? 'reconnecting' : 'ended')
	}
	function onVisibility() {
		if (document.visibilityState === 'hidden') close()
		else open()
	}

	if (standing === 'before') {
		setState('before')
		return () => undefined
	}
	setState('connecting')
	document.addEventListener('visibilitychange', onVisibility)
	open()
	return () => {
		over = true
		document.removeEventListener('visibilitychange', onVisibility)
		close()
	}
}
