import type { LogLine, WorkloadEvent } from '../../../../agent/protocol/index.ts'

export type LogRow =
	| { kind: 'line'; key: number; line: LogLine }
	| { kind: 'event'; key: number; event: WorkloadEvent }
	/** lines that came faster than anyone reads; `held` are still here and can be opened */
	| { kind: 'gap'; key: number; skipped: number; held: LogLine[] }

export interface LogLimits {
	/** rows on the page */
	rows: number
	/** lines one flush may add: more than this in a quarter of a second is a flood, and a sample of it is shown */
	flush: number
	/** lines that all gaps together keep */
	held: number
}

const LIMITS: LogLimits = { rows: 20_000, flush: 1_000, held: 20_000 }

/** Collects what the stream brings, and gives it to the view in batches. While paused it is filled and not flushed. */
export class LogBuffer {
	readonly #limits: LogLimits
	#pending: LogLine[] = []
	#pendingEvents: WorkloadEvent[] = []
	#lost = 0
	#held = 0
	#nextKey = 0
	#rows: LogRow[] = []

	constructor(limits: LogLimits = LIMITS) {
		this.#limits = limits
	}

	get rows(): readonly LogRow[] {
		return this.#rows
	}

	/** lines that wait for the next flush */
	get waiting(): number {
		return this.#pending.length + this.#lost
	}

	push(lines: readonly LogLine[], skipped = 0): void {
		this.#skip(skipped)
		for (const line of lines) this.#pending.push(line)
		const over = this.#pending.length - this.#limits.flush - this.#limits.held
		if (over <= 0) return
		this.#pending.splice(0, over)
		this.#lost += over
	}

	/** Lines that nobody here ever had: what waits goes before them, so the gap is where they were. */
	#skip(count: number): void {
		if (count === 0) return
		this.#lost += count + this.#pending.length
		this.#pending = []
	}

	/** A lifecycle event, in line with what the container said. */
	mark(event: WorkloadEvent): void {
		this.#pendingEvents.push(event)
	}

	/** Moves what waits into the rows. False when there was nothing. */
	flush(): boolean {
		if (this.waiting === 0 && this.#pendingEvents.length === 0) return false
		const lines = this.#pending
		const over = Math.max(0, lines.length - this.#limits.flush)
		const added: LogRow[] = []
		if (over + this.#lost > 0) added.push(this.#gap(lines.slice(0, over), over + this.#lost))
		for (const line of lines.slice(over)) added.push({ kind: 'line', key: this.#key(), line })
		for (const event of this.#pendingEvents) added.push({ kind: 'event', key: this.#key(), event })
		if (this.#pendingEvents.length > 0) sortByTime(added)
		this.#pending = []
		this.#pendingEvents = []
		this.#lost = 0
		this.#rows = this.#trim([...this.#rows, ...added])
		return true
	}

	/** Puts the lines that a gap still holds in its place; what it does not hold stays named. */
	open(key: number): void {
		const index = this.#rows.findIndex((row) => row.key === key)
		const gap = this.#rows[index]
		if (gap?.kind !== 'gap') return
		this.#held -= gap.held.length
		const missing = gap.skipped - gap.held.length
		const opened: LogRow[] = gap.held.map((line) => ({ kind: 'line', key: this.#key(), line }))
		if (missing > 0) opened.unshift({ kind: 'gap', key: this.#key(), skipped: missing, held: [] })
		this.#rows = this.#trim(this.#rows.toSpliced(index, 1, ...opened))
	}

	#gap(lines: LogLine[], skipped: number): LogRow {
		const held = this.#limits.held > 0 ? lines.slice(-this.#limits.held) : []
		this.#release(this.#held + held.length - this.#limits.held)
		this.#held += held.length
		return { kind: 'gap', key: this.#key(), skipped, held }
	}

	/** The oldest gaps give up what they hold, so that the newest, which are in sight, can be opened. */
	#release(over: number): void {
		for (let index = 0; index < this.#rows.length && over > 0; index++) {
			const row = this.#rows[index]
			if (row?.kind !== 'gap' || row.held.length === 0) continue
			over -= row.held.length
			this.#held -= row.held.length
			this.#rows = this.#rows.with(index, { ...row, held: [] })
		}
	}

	#trim(rows: LogRow[]): LogRow[] {
		const over = rows.length - this.#limits.rows
		if (over <= 0) return rows
		for (const row of rows.slice(0, over)) if (row.kind === 'gap') this.#held -= row.held.length
		return rows.slice(over)
	}

	#key(): number {
		this.#nextKey += 1
		return this.#nextKey
	}
}

function timeOf(row: LogRow): string {
	if (row.kind === 'line') return row.line.at
	if (row.kind === 'event') return row.event.at
	return row.held[0]?.at ?? ''
}

/** Stable, so lines of one instant keep the order in which they were read. */
function sortByTime(rows: LogRow[]): void {
	rows.sort((a, b) => timeOf(a).slice(0, 23).localeCompare(timeOf(b).slice(0, 23)))
}
