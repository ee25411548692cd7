import { type UIEvent, useEffect, useMemo, useRef, useState } from 'react'
import type { WorkloadEvent, WorkloadStatus } from '../../../../agent/protocol/index.ts'
import { useNodeName } from '../../live/live.tsx'
import { Button } from '../../ui/button.tsx'
import { plural } from '../../ui/format.ts'
import { clockText, useZone } from '../../ui/zone.ts'
import type { LogRow } from './log-buffer.ts'
import { isAtLeast, levelOf } from './log-level.ts'
import { type LogQuery, useLogQuery } from './log-query.ts'
import { LogRowView, ROW_PX } from './log-row.tsx'
import { standingOf } from './log-source.ts'
import { useLogStream } from './log-stream.ts'
import { plainText } from './log-text.ts'
import { LogTools } from './log-tools.tsx'

interface LogViewProps {
	workloadId: string
	replicas: number
	status: WorkloadStatus
	events: readonly WorkloadEvent[]
}

/** Rows that wrap have no height known before they are drawn: so many of them are. */
const WRAPPED = 1_000
/** Rows drawn above and below what is seen, so that a fast scroll finds them there. */
const OVERSCAN = 20

/**
 * Follows the container. Leaving the bottom pauses, coming back goes on; nothing that arrives moves what is being
 * read. Only the rows in sight are in the document, so a day of logs scrolls like a page of them.
 */
export function LogView({ workloadId, replicas, status, events }: LogViewProps) {
	const [paused, setPaused] = useState(false)
	const [asked, setAsked] = useLogQuery()
	const [wrap, setWrap] = useState(false)
	const [missed, setMissed] = useState<string | null>(null)
	const { rows, waiting, state, problem, open } = useLogStream({
		workloadId,
		paused,
		standing: standingOf(status),
		events,
	})
	const { search, least } = asked
	// A link may name one that was scaled away.
	const replica = asked.replica !== null && asked.replica < replicas ? asked.replica : null
	const isWhole = search === '' && least === 'debug' && replica === null
	const shown = useMemo(
		() => rows.filter((row) => found(row, { search, least, replica })),
		[rows, search, least, replica],
	)
	const nameOf = useNodeName()
	const zone = useZone()
	const box = useRef<HTMLDivElement>(null)
	const [window, setWindow] = useState({ top: 0, height: 440 })

	useEffect(() => {
		const element = box.current
		if (element && !paused && shown.length > 0) element.scrollTop = element.scrollHeight
	}, [shown, paused])

	function onScroll(event: UIEvent<HTMLDivElement>) {
		const { scrollTop, scrollHeight, clientHeight } = event.currentTarget
		setWindow({ top: scrollTop, height: clientHeight })
		setPaused(scrollHeight - scrollTop - clientHeight > ROW_PX)
	}

	function jump(time: string) {
		const index = indexOfTime(shown, time, zone)
		setMissed(index < 0 ? `No line on this page is from ${time} or later; older lines are in the download.` : null)
		if (index < 0) return
		setWrap(false)
		setPaused(true)
		// After the render: without wrapping a row's place is its number.
		requestAnimationFrame(() => box.current?.scrollTo({ top: index * ROW_PX }))
	}

	const first = Math.max(0, Math.floor(window.top / ROW_PX) - OVERSCAN)
	const last = Math.min(shown.length, Math.ceil((window.top + window.height) / ROW_PX) + OVERSCAN)
	return (
		<section id="logs" aria-labelledby="logs-title" className="mt-8 scroll-mt-4">
			<div className="mb-3 flex flex-wrap items-center gap-x-4 gap-y-2">
				<h2 id="logs-title" className="text-lg font-semibold">
					Logs
				</h2>
				<p className="text-sm text-muted" role="status">
					{STATE_TEXT[state]}
				</p>
				<a
					href={`/workloads/${workloadId}/logs?lines=5000`}
					className="link text-sm max-md:inline-flex max-md:min-h-11 max-md:items-center"
				>
					Plain text
				</a>
			</div>
			<LogTools
				workloadId={workloadId}
				search={search}
				onSearch={(search) => setAsked({ ...asked, search })}
				least={least}
				onLeast={(least) => setAsked({ ...asked, least })}
				replicas={replicas}
				replica={replica}
				onReplica={(replica) => setAsked({ ...asked, replica })}
				wrap={wrap}
				onWrap={() => setWrap(!wrap)}
				paused={paused}
				onPause={() => setPaused(!paused)}
				onJump={jump}
			/>
			{problem && <p className="mb-2 text-sm text-failed">{problem.message}</p>}
			<div className="card relative overflow-hidden bg-sunken">
				<div
					ref={box}
					role="log"
					aria-live="off"
					aria-label="Log lines"
					// biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region takes the keyboard's focus (WCAG 2.1.1)
					tabIndex={0}
					onScroll={onScroll}
					className={`${state === 'ended' ? 'max-h-[440px]' : 'h-[440px]'} overflow-auto py-2 font-mono text-xs -outline-offset-2`}
				>
					{shown.length === 0 ? (
						<p className="px-4 text-muted">
							{!isWhole && rows.length > 0 ? 'No line here matches.' : EMPTY_TEXT[state]}
						</p>
					) : (
						<div className={wrap ? '' : 'w-max min-w-full'}>
							{!wrap && <div style={{ height: first * ROW_PX }} />}
							{(wrap ? shown.slice(-WRAPPED) : shown.slice(first, last)).map((row) => (
								<LogRowView key={row.key} row={row} replicas={replicas} wrap={wrap} nameOf={nameOf} onOpen={open} />
							))}
							{!wrap && <div style={{ height: (shown.length - last) * ROW_PX }} />}
						</div>
					)}
				</div>
				{paused && (
					<Button
						type="button"
						variant="primary"
						className="absolute right-4 bottom-4"
						onClick={() => setPaused(false)}
					>
						{waiting > 0 ? `${plural(waiting, 'new line')} below` : 'Back to the newest'}
					</Button>
				)}
			</div>
			{missed && (
				<p role="status" className="mt-1 text-sm text-muted">
					{missed}
				</p>
			)}
			{wrap && shown.length > WRAPPED && (
				<p className="mt-1 text-sm text-muted">Wrapped are the newest {WRAPPED} lines of this page.</p>
			)}
			{!isWhole && <p className="mt-1 text-sm text-muted">{scanned(shown, rows, zone)}</p>}
		</section>
	)
}

const STATE_TEXT = {
	before: 'It has not started yet',
	connecting: 'Connecting…',
	following: 'Following',
	reconnecting: 'Reconnecting…',
	ended: 'Ended',
} as const

const EMPTY_TEXT = {
	before: 'What it writes will be here.',
	connecting: 'Reading…',
	following: 'Nothing written yet.',
	reconnecting: 'Nothing to read yet; trying again.',
	ended: 'It wrote nothing.',
} as const

function found(row: LogRow, { search, least, replica }: LogQuery): boolean {
	if (row.kind === 'event') return search === '' && (replica === null || (row.event.replica ?? replica) === replica)
	if (row.kind !== 'line') return search === ''
	if (replica !== null && row.line.replica !== replica) return false
	if (least !== 'debug' && !isAtLeast(levelOf(row.line.text), least)) return false
	return search === '' || plainText(row.line.text).toLowerCase().includes(search.toLowerCase())
}

/** The first row at or after that time of its day, from the newest day back; -1 when there is none. */
function indexOfTime(rows: readonly LogRow[], time: string, zone: string): number {
	const wanted = time.length === 5 ? `${time}:00` : time
	let found = -1
	for (let index = rows.length - 1; index >= 0; index--) {
		const row = rows[index]
		if (row?.kind !== 'line') continue
		if (clockText(row.line.at, zone).slice(0, 8) < wanted) break
		found = index
	}
	return found
}

/** A search that finds nothing must say where it looked. */
function scanned(shown: readonly LogRow[], rows: readonly LogRow[], zone: string): string {
	const first = rows.find((row) => row.kind === 'line')
	const from = first?.kind === 'line' ? clockText(first.line.at, zone).slice(0, 8) : 'the beginning'
	return `${shown.length} of the ${plural(rows.length, 'line')} on this page, from ${from} to now. Older lines are in the download.`
}
