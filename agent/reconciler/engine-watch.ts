import { uptime } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { LatticeError } from '../protocol/index.ts'
import type { ContainerRuntime } from '../runtime/runtime.ts'

export const ENGINE_RETRY_MS = 1000

export interface EngineWatchModules {
	runtime: Pick<ContainerRuntime, 'events'>
	peerId: string
	log: { warn(facts: object, message: string): void }
	now: () => number
	/** something happened to a container of this workload */
	onEvent: (workloadId: string) => void
	/** events may have been missed: everything is to be looked at */
	onGap: () => void
}

/** Follows the engine's events, and comes back to an engine that was lost. */
export class EngineWatch {
	readonly #modules: EngineWatchModules
	#since = Date.now() - uptime() * 1000

	constructor(modules: EngineWatchModules) {
		this.#modules = modules
	}

	/** The host's start, or when an engine that was lost answered again; milliseconds since the epoch. */
	get engineSince(): number {
		return this.#since
	}

	async run(signal: AbortSignal): Promise<void> {
		const { runtime, peerId, log, now, onEvent, onGap } = this.#modules
		let told = ''
		let isLost = false
		const onSubscribed = () => {
			if (isLost) this.#since = now()
		}
		while (!signal.aborted) {
			try {
				for await (const event of runtime.events({ 'lattice.node': peerId }, signal, onSubscribed)) {
					told = ''
					const workloadId = event.labels['lattice.workload']
					if (workloadId) onEvent(workloadId)
				}
			} catch (error) {
				if (signal.aborted) return
				const { code, message } = LatticeError.from(error)
				// asked again each second, told once: until the trouble is another
				if (message !== told) log.warn({ code }, `${code}: ${message}`)
				told = message
			}
			isLost = true
			await delay(ENGINE_RETRY_MS, null, { signal }).catch(() => null)
			if (signal.aborted) return
			onGap()
		}
	}
}
