import { setTimeout as sleep } from 'node:timers/promises'
import { LatticeError, type Workload, type WorkloadEvent, type WorkloadStatus } from '../protocol/index.ts'
import type { Lattice } from './client/lattice.ts'

/** Statuses in which nothing more happens by itself. */
const SETTLED: ReadonlySet<WorkloadStatus> = new Set(['running', 'unhealthy', 'stopped', 'failed', 'unknown'])

/** An event says that it is time to look; this is for the one that got lost. */
const LOOK_MS = 1_000

export interface Watching {
	/** this order's events only, from the first */
	onEvent(event: WorkloadEvent): void
	/** null: events of any order that come from now on */
	commandId: string | null
	signal: AbortSignal
}

/**
 * Follows a workload until it has settled, and gives it as it then is; null when it is gone. Status is the truth, events
 * only tell of the way: so a lost stream costs the bar, not the answer.
 */
export async function settled(lattice: Lattice, id: string, watching: Watching): Promise<Workload | null> {
	const over = new AbortController()
	const signal = AbortSignal.any([watching.signal, over.signal])
	let hurry = Promise.withResolvers<void>()
	const since = Date.now()

	async function listen(): Promise<void> {
		for await (const event of lattice.events(id, signal)) {
			const ours =
				watching.commandId === null ? Date.parse(event.at) >= since - 1_000 : event.commandId === watching.commandId
			if (!ours) continue
			watching.onEvent(event)
			if (event.progress === null) hurry.resolve()
		}
	}
	const listening = listen().catch(() => undefined) // the looks below report what is wrong with the way, if anything

	try {
		for (;;) {
			if (watching.signal.aborted) throw new LatticeError('CANCELLED', 'Not waiting any longer; the order goes on.')
			const workload = await look(lattice, id)
			if (!workload || SETTLED.has(workload.status)) return workload
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
