import type { Phase, PullProgress, WireError, Workload, WorkloadEvent } from '../../../agent/protocol/index.ts'
import { formatBytes, plural } from '../ui/format.ts'

export type StepKey = 'accepted' | 'placed' | 'pulled' | 'started' | 'ready'

export interface Step {
	key: StepKey
	title: string
	state: 'done' | 'active' | 'failed' | 'waiting'
	/** when the step before it ended: an active step counts from here */
	since: string | null
	/** null: not ended, or ended before the history that is kept */
	at: string | null
	durationMs: number | null
	detail: string | null
	progress: PullProgress | null
	error: WireError | null
}

/** How far along each phase is; a step has ended once a replica reached its rank. Phases of ending have none. */
const RANK: Partial<Record<Phase, number>> = {
	accepted: 1,
	placed: 2,
	pulling: 2,
	pulled: 3,
	creating: 3,
	created: 3,
	starting: 3,
	started: 4,
	unhealthy: 4,
	running: 5,
}

const STEPS: readonly { key: StepKey; title: string; active: string; rank: number }[] = [
	{ key: 'accepted', title: 'Accepted', active: 'Accepting', rank: 1 },
	{ key: 'placed', title: 'Placed', active: 'Placing', rank: 2 },
	{ key: 'pulled', title: 'Pulled', active: 'Pulling', rank: 3 },
	{ key: 'started', title: 'Started', active: 'Starting', rank: 4 },
	{ key: 'ready', title: 'Ready', active: 'Becoming ready', rank: 5 },
]

/** Then there is no time worth telling. */
const NOT_PULLED = 'image was there'

type Subject = Pick<Workload, 'status' | 'replicas' | 'error'>

/** The deployment as five steps, from the last order on: events say when, the workload's status says what holds now. */
export function timelineOf(events: readonly WorkloadEvent[], workload: Subject): Step[] {
	const run = lastRun(events)
	let since: string | null = null
	let open = true
	return STEPS.map(({ key, title, active, rank }) => {
		const at = endOf(run, rank, workload.replicas)
		const done = at !== null || (workload.status === 'running' && events.length === 0)
		const detail = detailOf(key, run, workload.replicas)
		const step: Step = {
			key,
			title,
			state: 'done',
			since,
			at,
			durationMs: at && since && detail !== NOT_PULLED ? Math.max(0, Date.parse(at) - Date.parse(since)) : null,
			detail,
			progress: null,
			error: null,
		}
		const state = open ? stateOf(key, done, workload) : 'waiting'
		if (state !== 'done') open = false
		since = at ?? since
		if (state === 'failed') return { ...step, state, error: workload.error ?? lastError(run) }
		if (state === 'active')
			return { ...step, title: active, state, progress: key === 'pulled' ? lastProgress(run) : null }
		return { ...step, state }
	})
}

/**
 * Everything since the order was last accepted; an older history belongs to older orders. Console and host both
 * accept an order, so it begins with the first event of the same command.
 */
function lastRun(events: readonly WorkloadEvent[]): readonly WorkloadEvent[] {
	const accepted = events.findLast((event) => event.phase === 'accepted')
	if (!accepted) return events
	const start = events.findIndex(
		(event) => event === accepted || (accepted.commandId && event.commandId === accepted.commandId),
	)
	return events.slice(start)
}

/** When the last of the replicas first reached `rank`; an event without a replica speaks for all. */
function endOf(run: readonly WorkloadEvent[], rank: number, replicas: number): string | null {
	const reached = new Map<number, string>()
	for (const event of run) {
		if ((RANK[event.phase] ?? 0) < rank) continue
		if (event.replica === null) return event.at
		if (!reached.has(event.replica)) reached.set(event.replica, event.at)
		if (reached.size >= Math.max(1, replicas)) return event.at
	}
	return null
}

function stateOf(key: StepKey, done: boolean, { status }: Subject): Step['state'] {
	const broken = status === 'failed' || status === 'unhealthy'
	// What ran and then broke was ready once, and is no longer.
	if (broken && (!done || key === 'ready')) return 'failed'
	if (done) return 'done'
	return status === 'stopped' || status === 'stopping' || status === 'deleting' || status === 'unknown'
		? 'waiting'
		: 'active'
}

function lastError(run: readonly WorkloadEvent[]): WireError | null {
	return run.findLast((event) => event.error !== null)?.error ?? null
}

function lastProgress(run: readonly WorkloadEvent[]): PullProgress | null {
	return run.findLast((event) => event.progress !== null)?.progress ?? null
}

function detailOf(key: StepKey, run: readonly WorkloadEvent[], replicas: number): string | null {
	if (key === 'placed') {
		const placement = run.findLast((event) => event.placement !== null)?.placement
		const nodes = new Set(placement?.chosen.map(({ node }) => node.name))
		return nodes.size > 0 ? `on ${[...nodes].join(', ')}` : null
	}
	if (key === 'pulled') {
		const reachedCreate = run.some((event) => event.phase === 'creating' || event.phase === 'created')
		if (reachedCreate && !run.some((event) => event.phase === 'pulling')) return NOT_PULLED
		const progress = lastProgress(run)
		return progress && progress.totalBytes > 0 ? formatBytes(progress.totalBytes) : null
	}
	if (key === 'ready' && replicas > 1) {
		const ready = new Set(run.filter((event) => event.phase === 'running').map((event) => event.replica))
		return ready.has(null) ? plural(replicas, 'replica') : `${ready.size} of ${replicas} replicas`
	}
	return null
}
