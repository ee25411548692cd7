import { setTimeout as sleep } from 'node:timers/promises'
import { LatticeError, type Phase, type Workload, type WorkloadEvent, type WorkloadStatus } from '../protocol/index.ts'
import type { Lattice } from './client/lattice.ts'

/** Statuses in which nothing more happens by itself. */
const SETTLED: ReadonlySet<WorkloadStatus> = new Set(['running', 'unhealthy', 'stopped', 'failed', 'unknown'])
/** Events that end an order. */
const LAST: ReadonlySet<Phase> = new Set(['running', 'unhealthy', 'stopped', 'failed', 'deleted'])

/** A status may still be the one from before the order; without the order's last event it is believed after this. */
const DOUBT_MS = 1_500
/** An event says that it is time to look; this is for the one that got lost. */
const LOOK_MS = 500
/** Status may overtake the events that tell of the way; whoever watches is told of it all the same. */
const LAG_MS = 1_500

export interface Watching {
	/** its events are those from the first that carries this id */
	commandId: string
	/** where the order leads; null when the workload may be there already, as with a restart */
	goal: WorkloadStatus | null
	onEvent(event: WorkloadEvent): void
	signal: AbortSignal
}

/**
 * Follows an order until its workload has settled, and gives that as it then is; null when it is gone. Status is the
 * truth, events only tell of the way: so a lost stream costs the bar, not the answer.
 */
export async function settled(lattice: Lattice, id: string, watching: Watching): Promise<Workload | null> {
	const over = new AbortController()
	const signal = AbortSignal.any([watching.signal, over.signal])
	const since = Date.now()
	let hurry = Promise.withResolvers<void>()
	const told = Promise.withResolvers<void>()
	let begun = false
	let ended = false

	async function listen(): Promise<void> {
		for await (const event of lattice.events(id, signal)) {
			begun ||= event.commandId === watching.commandId
			if (!begun) continue
			watching.onEvent(event)
			if (LAST.has(event.phase)) {
				ended = true
				told.resolve()
			}
			if (event.progress === null) hurry.resolve()
		}
	}
	const listening = listen().catch(() => undefined) // the looks below report what is wrong with the way, if anything

	try {
		for (;;) {
			if (watching.signal.aborted) throw new LatticeError('CANCELLED', 'Not waiting any longer; the order goes on.')
			const workload = await look(lattice, id)
			if (!workload || workload.status === watching.goal) {
				await Promise.race([told.promise, listening, sleep(LAG_MS, undefined, { signal }).catch(() => undefined)])
				return workload
			}
			if ((ended || Date.now() - since > DOUBT_MS) && SETTLED.has(workload.status)) return workload
			await Promise.race([hurry.promise, sleep(LOOK_MS, undefined, { signal }).catch(() => undefined)])
			hurry = Promise.withResolvers<void>()
		}
	} finally {
		over.abort()
		await listening
	}
}

async function look(lattice: Lattice, id: string): Promise<Workload | null> {
	try {
		return await lattice.get(id)
	} catch (error) {
		if (error instanceof LatticeError && error.code === 'NOT_FOUND') return null
		throw error
	}
}
