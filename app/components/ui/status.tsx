import type { Node, WorkloadStatus } from '../../../agent/protocol/index.ts'

/** What a status means to a person; each has a shape, a word and a hue, so that no one of them must be seen. */
export type Tone = 'healthy' | 'progressing' | 'degraded' | 'failed' | 'stopped' | 'unknown'

export const TONE_OF_STATUS: Record<WorkloadStatus, Tone> = {
	pending: 'progressing',
	pulling: 'progressing',
	creating: 'progressing',
	starting: 'progressing',
	running: 'healthy',
	unhealthy: 'degraded',
	stopping: 'progressing',
	stopped: 'stopped',
	failed: 'failed',
	deleting: 'progressing',
	unknown: 'unknown',
}

/** Without the schema's own list, which would bring zod into every page. */
export const STATUSES = Object.keys(TONE_OF_STATUS) as WorkloadStatus[]

export const TONE_OF_LIVENESS: Record<Node['status'], Tone> = {
	alive: 'healthy',
	suspect: 'degraded',
	down: 'failed',
	left: 'stopped',
}

const HUE: Record<Tone, string> = {
	healthy: 'text-healthy',
	progressing: 'text-progressing',
	degraded: 'text-degraded',
	failed: 'text-failed',
	stopped: 'text-stopped',
	unknown: 'text-unknown',
}

const SHAPE: Record<Tone, JSX.Element> = {
	healthy: <circle cx="6" cy="6" r="5" fill="currentColor" />,
	progressing: (
		<>
			<circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
			<path d="M6 1.75a4.25 4.25 0 0 1 0 8.5Z" fill="currentColor" />
		</>
	),
	degraded: <path d="M6 .75 11.6 11H.4Z" fill="currentColor" />,
	failed: (
		<>
			<rect x="1" y="1" width="10" height="10" rx="1" fill="currentColor" />
			<path d="m3.75 3.75 4.5 4.5m0-4.5-4.5 4.5" className="stroke-surface" strokeWidth="1.5" strokeLinecap="round" />
		</>
	),
	stopped: <circle cx="6" cy="6" r="4.25" fill="none" stroke="currentColor" strokeWidth="1.5" />,
	unknown: (
		<path d="M6 1 11 6 6 11 1 6Z" fill="none" stroke="currentColor" strokeWidth="1.4" strokeDasharray="2.2 1.3" />
	),
}

export function StatusGlyph({ tone, className = '' }: { tone: Tone; className?: string }) {
	return (
		<svg viewBox="0 0 12 12" width="12" height="12" aria-hidden className={`shrink-0 ${HUE[tone]} ${className}`}>
			{SHAPE[tone]}
		</svg>
	)
}

export function Status({ tone, word, className = '' }: { tone: Tone; word: string; className?: string }) {
	return (
		<span className={`inline-flex items-center gap-2 font-medium whitespace-nowrap ${HUE[tone]} ${className}`}>
			<StatusGlyph tone={tone} className={tone === 'progressing' ? 'breathe' : ''} />
			{word}
		</span>
	)
}
