import type { Phase, PullProgress, WorkloadEvent } from '../protocol/index.ts'
import { bytes, duration, plain } from './format.ts'
import type { Terminal } from './terminal.ts'

const BAR_WIDTH = 24
/** Without a terminal a pull is told in steps, not frames. */
const PLAIN_STEP_PERCENT = 25
/** `explain` has them all. */
const REASONS_SHOWN = 2
const TOLD_TWICE: ReadonlySet<Phase> = new Set(['accepted', 'placed'])

export interface Progress {
	show(event: WorkloadEvent): void
	/** leaves the terminal as a finished line */
	end(): void
}

/** Says nothing: for --json. */
export const silentProgress: Progress = { show: () => undefined, end: () => undefined }

/** The events of an order as lines, with one line that redraws itself while bytes arrive. */
export class ProgressRenderer implements Progress {
	readonly #terminal: Terminal
	#barShown = false
	#lastStep = -1
	#firstAt: number | null = null
	readonly #said = new Set<string>()

	constructor(terminal: Terminal) {
		this.#terminal = terminal
	}

	show(event: WorkloadEvent): void {
		if (event.progress && event.phase === 'pulling') this.#pull(event.progress)
		else this.#line(event)
	}

	end(): void {
		this.#clear()
	}

	#pull(progress: PullProgress): void {
		if (this.#terminal.live) {
			this.#terminal.draw(`\r\u001b[K${barLine(progress, this.#terminal.columns)}`)
			this.#barShown = true
			return
		}
		const step = Math.floor(progress.percent / PLAIN_STEP_PERCENT)
		if (step === this.#lastStep) return
		this.#lastStep = step
		this.#terminal.notice(`  pulling ${progress.image}: ${amounts(progress)}`)
	}

	#line(event: WorkloadEvent): void {
		const at = Date.parse(event.at)
		this.#firstAt ??= at
		this.#clear()
		const what = eventText(event)
		// The node that took the order and the host that executes it both tell of the same step.
		if (TOLD_TWICE.has(event.phase) && this.#said.has(what)) return
		this.#said.add(what)
		this.#terminal.notice(`${duration(at - this.#firstAt).padStart(6)}  ${what}`)
	}

	#clear(): void {
		if (!this.#barShown) return
		this.#terminal.draw('\r\u001b[K')
		this.#barShown = false
	}
}

/** `placed on h3: 61 % of its memory is free` */
function eventText(event: WorkloadEvent): string {
	return `${event.phase}${event.replica === null ? '' : ` [${event.replica}]`}${detail(event)}`
}

function detail({ phase, placement, error, message }: WorkloadEvent): string {
	if (error) return `: ${plain(error.message)} (${error.code})`
	if (phase === 'placed' && placement) {
		const names = [...new Set(placement.chosen.map(({ node }) => node.name))]
		const best = placement.candidates.find(({ node }) => node.peerId === placement.chosen[0]?.node.peerId)
		const why = best?.reasons
			.slice(0, REASONS_SHOWN)
			.map((reason) => reason.detail)
			.join('; ')
		return ` on ${names.join(', ')}${why ? `: ${plain(why)}` : ''}`
	}
	return message ? `: ${plain(message)}` : ''
}

export function barLine(progress: PullProgress, columns: number): string {
	const filled = Math.round((Math.min(100, Math.max(0, progress.percent)) / 100) * BAR_WIDTH)
	const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
	const line = `  ${bar} ${amounts(progress)}  ${progress.image}`
	return line.length < columns ? line : line.slice(0, Math.max(0, columns - 1))
}

function amounts({ percent, currentBytes, totalBytes }: PullProgress): string {
	if (totalBytes === 0) return 'asking the registry'
	return `${Math.floor(percent)} %  ${bytes(currentBytes)} of ${bytes(totalBytes)}`
}
