import { StatusGlyph, type Tone } from '../../ui/status.tsx'
import { clockText, useZone } from '../../ui/zone.ts'
import type { LogRow } from './log-buffer.ts'
import { type LogLevel, levelOf } from './log-level.ts'
import { plainText } from './log-text.ts'

/** Every row has this height: the place of each is then known without measuring. */
export const ROW_PX = 20

const EVENT_TONE: Record<string, Tone> = {
	started: 'progressing',
	running: 'healthy',
	unhealthy: 'degraded',
	stopping: 'progressing',
	stopped: 'stopped',
	restarting: 'progressing',
	failed: 'failed',
}

interface LogRowProps {
	row: LogRow
	replicas: number
	/** long lines go on below: rows then differ in height */
	wrap: boolean
	nameOf: (peerId: string) => string
	onOpen: (key: number) => void
}

export function LogRowView({ row, replicas, wrap, nameOf, onOpen }: LogRowProps) {
	const zone = useZone()
	if (row.kind === 'gap') {
		const text = `${row.skipped.toLocaleString('en')} lines skipped`
		return (
			<div className="h-5 px-4 leading-5">
				{row.held.length > 0 ? (
					<button type="button" className="link" onClick={() => onOpen(row.key)}>
						{text}, show them
					</button>
				) : (
					<span className="text-muted">{text}; they are in the download</span>
				)}
			</div>
		)
	}
	if (row.kind === 'event') {
		const { at, phase, message, node } = row.event
		return (
			<div className="flex h-5 items-center gap-2 px-4 font-sans leading-5 whitespace-pre text-muted">
				<StatusGlyph tone={EVENT_TONE[phase] ?? 'progressing'} />
				{clockText(at, zone).slice(0, 8)} {phase} on {nameOf(node)}
				{message && `: ${message}`}
			</div>
		)
	}
	const { at, stream, text, replica } = row.line
	return (
		<div className={`flex gap-3 px-4 leading-5 whitespace-pre hover:bg-surface ${wrap ? 'min-h-5' : 'h-5'}`}>
			<span className="text-muted select-none" title={at}>
				{clockText(at, zone)}
			</span>
			{replicas > 1 && <Replica index={replica} />}
			<Mark level={levelOf(text)} stream={stream} />
			<span className={wrap ? 'min-w-0 break-all whitespace-pre-wrap' : ''}>{plainText(text)}</span>
		</div>
	)
}

const LEVEL_MARK: Record<LogLevel, [word: string, hue: string]> = {
	error: ['error', 'text-failed'],
	warning: ['warn', 'text-degraded'],
	info: ['', 'text-muted'],
	debug: ['debug', 'text-muted'],
}

/** The level is a guess by its words; a line that has none says at least when it went to stderr. */
function Mark({ level, stream }: { level: LogLevel | null; stream: string }) {
	const [word, hue] = level ? LEVEL_MARK[level] : [stream === 'stderr' ? 'stderr' : '', 'text-muted']
	return (
		<span className={`w-12 shrink-0 select-none ${hue}`} title={stream}>
			{word}
		</span>
	)
}

const DASHES = ['', '5 2', '2 2', '7 2 2 2', '1 2', '9 3']

/** Replicas are told apart by the dash and the number, so that hue stays with status. */
function Replica({ index }: { index: number }) {
	return (
		<span className="inline-flex w-12 items-center gap-1 select-none" title={`replica ${index}`}>
			<svg viewBox="0 0 20 4" width="20" height="4" aria-hidden>
				<path d="M0 2h20" stroke="currentColor" strokeWidth="2" strokeDasharray={DASHES[index % DASHES.length]} />
			</svg>
			#{index}
		</span>
	)
}
