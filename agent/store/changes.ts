import type { WorkloadEvent } from '../protocol/index.ts'

export type Change =
	| { kind: 'workload'; workloadId: string }
	| { kind: 'removed'; workloadId: string }
	| { kind: 'event'; event: WorkloadEvent }
	/** what this gateway gives a workload has changed */
	| { kind: 'routes'; workloadId: string }
	/** what this node says of itself has changed */
	| { kind: 'node' }
	/** the engine may have gone or come back: ask it */
	| { kind: 'engine' }

type Listener = (change: Change) => void

/** Announces what was committed to the store to those who follow: command streams, `watch`, REST. In-process only. */
export class Changes {
	readonly #listeners = new Set<Listener>()

	emit(change: Change): void {
		for (const listener of [...this.#listeners]) listener(change)
	}

	on(listener: Listener): () => void {
		this.#listeners.add(listener)
		return () => this.#listeners.delete(listener)
	}

	/**
	 * Changes from the moment of the call until the signal aborts. The queue is bounded by its consumer's interest: a
	 * follower that falls `limit` behind is ended (it reconnects and gets a snapshot), so it can never exhaust memory.
	 * It listens from the call on, so the signal must be aborted by a caller that never iterates.
	 */
	follow(signal: AbortSignal, limit = 10_000): AsyncIterable<Change> {
		const queue: Change[] = []
		let wake: (() => void) | null = null
		let overrun = false
		const off = this.on((change) => {
			if (queue.length >= limit) overrun = true
			else queue.push(change)
			wake?.()
		})
		const onAbort = () => {
			off()
			wake?.()
		}
		signal.addEventListener('abort', onAbort, { once: true })
		return (async function* () {
			try {
				while (!signal.aborted && !overrun) {
					const change = queue.shift()
					if (change) {
						yield change
						continue
					}
					await new Promise<void>((resolve) => {
						wake = resolve
						if (queue.length > 0 || signal.aborted || overrun) resolve()
					})
					wake = null
				}
			} finally {
				off()
				signal.removeEventListener('abort', onAbort)
			}
		})()
	}
}
