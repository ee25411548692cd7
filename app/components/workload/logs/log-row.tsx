import { StatusGlyph, type Tone } from '../../ui/status.tsx'
import type { LogRow } from './log-buffer.ts'
import { clockText, plainText } from './log-text.ts'

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
	nameOf: (peerId: string) => string
	onOpen: (key: number) => void
}

export function LogRowView({ row, replicas, nameOf, onOpen }: LogRowProps) {
	if (row.kind === 'gap') {
		const text = `${row.skipped.toLocaleString('en')} lines skipped`
		return (
			<div className="h-5 px-4 leading-5">
				{row.held.length > 0 ? (
					<button type="button" className="link" onClick={() => onOpen(row.key)}>
						{text}, show them
					</button>
				) : (
					<span className="text-muted">{text}; they are in the plain text</span>
				)}
			</div>
		)
	}
	if (row.kind === 'event') {
		const { at, phase, message, node } = row.event
		return (
			<div className="flex h-5 items-center gap-2 px-4 font-sans leading-5 whitespace-pre text-muted">
				<StatusGlyph tone={EVENT_TONE[phase] ?? 'progressing'} />
				{clockText(at).slice(0, 8)} {phase} on {nameOf(node)}
				{message && `: ${message}`}
			</div>
		)
	}
	const { at, stream, text, replica } = row.line
	return (
		<div className="flex h-5 gap-3 px-4 leading-5 whitespace-pre hover:bg-surface">
			<span className="text-muted select-none">{clockText(at)}</span>
			{replicas > 1 && <Replica index={replica} />}
			<span className={`w-5 select-none ${stream === 'stderr' ? 'text-degraded' : 'text-muted'}`} title={stream}>
				{stream === 'stderr' ? 'err' : ''}
			</span>
			<span>{plainText(text)}</span>
		</div>
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
