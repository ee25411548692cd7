import type { ReactNode } from 'react'
import type { LogLine } from '../../../agent/protocol/index.ts'
import { Age } from '../ui/age.tsx'
import { useNow } from '../ui/clock.tsx'
import { CodeBlock } from '../ui/code.tsx'
import { formatBytes, formatDuration } from '../ui/format.ts'
import { Bar } from '../ui/meter.tsx'
import { StatusGlyph, type Tone } from '../ui/status.tsx'
import { plainText } from './logs/log-text.ts'
import type { Step } from './timeline.ts'

const TONE: Record<Step['state'], Tone> = {
	done: 'healthy',
	active: 'progressing',
	failed: 'failed',
	waiting: 'stopped',
}
const WORD: Record<Step['state'], string> = { done: 'done', active: 'under way', failed: 'failed', waiting: 'not yet' }

/** Null: not broken, nobody asked for them. */
export type LastWords = LogLine[] | 'unreadable'

/** One line of steps; the one that failed is open below it, with its last words. */
export function Timeline({ steps, lastLines }: { steps: Step[]; lastLines: LastWords | null }) {
	const failed = steps.find((step) => step.state === 'failed')
	return (
		<section aria-label="Timeline" className="card mt-6">
			<ol className="grid max-md:py-2 md:grid-cols-5">
				{steps.map((step) => (
					<StepCell key={step.key} step={step} />
				))}
			</ol>
			{failed && (
				<div className="border-t border-line p-4">
					<p className="font-medium break-words">{failed.error?.message ?? `${failed.title} did not succeed.`}</p>
					{failed.error && <p className="font-mono text-xs text-muted">{failed.error.code}</p>}
					{/* Before that there was no container that could have said anything. */}
					{lastLines && (failed.key === 'started' || failed.key === 'ready') && <LastLines lines={lastLines} />}
				</div>
			)}
		</section>
	)
}

function StepCell({ step }: { step: Step }) {
	const waiting = step.state === 'waiting'
	return (
		<li
			aria-current={step.state === 'active' ? 'step' : undefined}
			className="min-w-0 border-line px-4 max-md:grid max-md:grid-cols-[1fr_auto] max-md:items-baseline max-md:gap-x-4 max-md:py-1.5 md:border-l md:py-3 md:first:border-l-0"
		>
			<p className={`flex items-center gap-2 ${waiting ? 'text-muted' : 'font-medium'}`}>
				<StatusGlyph tone={TONE[step.state]} className={step.state === 'active' ? 'breathe' : ''} />
				{step.title}
				<span className="sr-only">: {WORD[step.state]}</span>
			</p>
			<p className="truncate text-sm text-muted md:mt-0.5 md:pl-5">
				{step.state === 'done' && step.detail}
				{step.state === 'done' && step.detail && step.durationMs !== null && ', '}
				<Elapsed step={step} />
			</p>
			{step.progress && <Pull progress={step.progress} />}
		</li>
	)
}

function Elapsed({ step }: { step: Step }): ReactNode {
	const now = useNow()
	if (step.state === 'active' && step.since) return formatDuration(Math.max(0, now - Date.parse(step.since)))
	if (step.durationMs !== null) return formatDuration(step.durationMs)
	if (step.at && step.key === 'accepted') return <Age at={step.at} />
	return step.state === 'waiting' || step.state === 'failed' ? ' ' : null
}

function Pull({ progress }: { progress: NonNullable<Step['progress']> }) {
	// the registry has not said yet how large its layers are
	const bytes =
		progress.totalBytes === 0
			? 'asking the registry'
			: `${formatBytes(progress.currentBytes)} of ${formatBytes(progress.totalBytes)}`
	return (
		<div className="max-md:col-span-2 md:pl-5">
			<Bar share={progress.percent / 100} label={`Pulling ${progress.image}: ${bytes}`} />
			<p className="mt-1 truncate text-sm text-muted">{bytes}</p>
		</div>
	)
}

function LastLines({ lines }: { lines: LastWords }) {
	if (lines === 'unreadable') {
		return <p className="mt-3 text-sm text-muted">Its last lines cannot be read now: the host does not answer.</p>
	}
	if (lines.length === 0) return <p className="mt-3 text-sm text-muted">It wrote nothing before it ended.</p>
	return (
		<div className="mt-3">
			<p className="mb-1 text-sm text-muted">Its last {lines.length === 1 ? 'line' : `${lines.length} lines`}</p>
			<CodeBlock label="Last lines">{lines.map((line) => plainText(line.text)).join('\n')}</CodeBlock>
		</div>
	)
}
