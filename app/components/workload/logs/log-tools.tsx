import { Download, Pause, Play, WrapText } from 'lucide-react'
import { Button } from '../../ui/button.tsx'
import { LEVELS, type LogLevel } from './log-level.ts'

export interface LogToolsProps {
	workloadId: string
	search: string
	onSearch: (text: string) => void
	least: LogLevel
	onLeast: (level: LogLevel) => void
	/** how many there are, and the one that is shown; null: all of them */
	replicas: number
	replica: number | null
	onReplica: (replica: number | null) => void
	wrap: boolean
	onWrap: () => void
	paused: boolean
	onPause: () => void
	/** `HH:MM:SS` by the reader's clock */
	onJump: (time: string) => void
}

const LEVEL_WORD: Record<LogLevel, string> = {
	error: 'Errors',
	warning: 'Warnings and worse',
	info: 'All but debug',
	debug: 'All levels',
}

export function LogTools(props: LogToolsProps) {
	return (
		<div className="needs-js mb-3 flex flex-wrap items-center gap-2">
			<input
				type="search"
				aria-label="Search these lines"
				placeholder="Search these lines"
				value={props.search}
				onChange={(event) => props.onSearch(event.target.value)}
				className="control w-full md:w-52"
			/>
			<select
				aria-label="Levels, as guessed from their words"
				title="Levels are guessed from the words of each line"
				value={props.least}
				onChange={(event) => props.onLeast(event.target.value as LogLevel)}
				className="control w-auto"
			>
				{LEVELS.toReversed().map((level) => (
					<option key={level} value={level}>
						{LEVEL_WORD[level]}
					</option>
				))}
			</select>
			{props.replicas > 1 && (
				<select
					aria-label="Replica"
					value={props.replica ?? ''}
					onChange={({ target }) => props.onReplica(target.value === '' ? null : Number(target.value))}
					className="control w-auto"
				>
					<option value="">All replicas</option>
					{Array.from({ length: props.replicas }, (_, index) => (
						// biome-ignore lint/suspicious/noArrayIndexKey: its number is what it is
						<option key={index} value={index}>
							Replica {index}
						</option>
					))}
				</select>
			)}
			<input
				type="time"
				step={1}
				aria-label="Jump to a time"
				title="Jump to a time"
				onChange={(event) => props.onJump(event.target.value)}
				className="control w-auto"
			/>
			<Button type="button" aria-pressed={props.wrap} onClick={props.onWrap}>
				<WrapText size={14} aria-hidden />
				{props.wrap ? 'Wrapped' : 'Wrap'}
			</Button>
			<Button type="button" onClick={props.onPause} aria-pressed={props.paused}>
				{props.paused ? <Play size={14} aria-hidden /> : <Pause size={14} aria-hidden />}
				{props.paused ? 'Follow' : 'Pause'}
			</Button>
			<a
				href={`/workloads/${props.workloadId}/logs?download=1`}
				download
				className="inline-flex min-h-[34px] items-center gap-2 rounded border border-control bg-surface px-3 font-medium hover:bg-sunken max-md:min-h-11"
			>
				<Download size={14} aria-hidden />
				Download
			</a>
		</div>
	)
}
