import { LatticeError } from '../../agent/protocol/index.ts'
import type { Database } from '../models/database.server.ts'
import { findWorkload } from '../models/workload.server.ts'
import type { HostCommands } from './host-commands.server.ts'
import type { Timeline } from './timeline.server.ts'

/** Of one host at a time: after an absence many workloads may have news. */
const READ_TIMEOUT_MS = 10_000

export interface MissedEventsModules {
	database: Database
	commands: HostCommands
	timeline: Timeline
	log: { warn(facts: object, message: string): void }
}

/**
 * `watch` tells events as they happen; what happened while this console was away is in the host's own timeline. It is
 * read once the host is back, so that the page of a workload has no hole.
 */
export class MissedEvents {
	readonly #modules: MissedEventsModules
	/** workloads of a host whose report in the present snapshot was news */
	readonly #changed = new Map<string, Set<string>>()

	constructor(modules: MissedEventsModules) {
		this.#modules = modules
	}

	changed(peerId: string, workloadId: string): void {
		const changed = this.#changed.get(peerId) ?? new Set()
		this.#changed.set(peerId, changed.add(workloadId))
	}

	/** The snapshot is in: reads the timelines of what changed, in the background. */
	catchUp(peerId: string): void {
		const changed = this.#changed.get(peerId)
		this.#changed.delete(peerId)
		if (changed) void this.#readAll(peerId, changed)
	}

	async #readAll(peerId: string, workloadIds: ReadonlySet<string>): Promise<void> {
		for (const workloadId of workloadIds) {
			try {
				await this.#read(peerId, workloadId)
			} catch (thrown) {
				const { code, message } = LatticeError.from(thrown)
				const facts = { workload: workloadId, peer: peerId, code, reason: message }
				this.#modules.log.warn(facts, 'what happened to a workload meanwhile could not be read')
				if (code === 'HOST_UNREACHABLE') return
			}
		}
	}

	async #read(peerId: string, workloadId: string): Promise<void> {
		const { database, commands, timeline } = this.#modules
		const record = await findWorkload(database, workloadId)
		if (record === null) return
		const command = { kind: 'events', workloadId, follow: false } as const
		const signal = AbortSignal.timeout(READ_TIMEOUT_MS)
		for await (const frame of commands.frames(record.ownerId, peerId, command, signal)) {
			if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
			if (frame.type === 'event' && frame.event.node === peerId) await timeline.record(frame.event, record.ownerId)
		}
	}
}
