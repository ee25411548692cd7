import type { Members } from './mesh/index.ts'
import type { NodeStatus } from './protocol/index.ts'
import type { Changes } from './store/changes.ts'

export interface AnnouncerModules {
	changes: Changes
	status: () => NodeStatus
	members: Pick<Members, 'announce'>
}

/** The changes of one order come in bursts. */
const DEBOUNCE_MS = 20

/** Tells the lattice how this node is, when that is news. Free space of the disk alone is none: it comes with the next. */
export class Announcer {
	readonly #modules: AnnouncerModules
	#told = ''
	#off: (() => void) | null = null
	#timer: NodeJS.Timeout | null = null

	constructor(modules: AnnouncerModules) {
		this.#modules = modules
	}

	start(): void {
		this.#off = this.#modules.changes.on(({ kind }) => {
			// What the node says of its disk and engine was found worth telling by the one who emits `node`.
			if (kind === 'node') this.#told = ''
			if (kind !== 'engine') this.#soon()
		})
		this.#tell()
	}

	stop(): void {
		this.#off?.()
		if (this.#timer) clearTimeout(this.#timer)
	}

	#soon(): void {
		this.#timer ??= setTimeout(() => {
			this.#timer = null
			this.#tell()
		}, DEBOUNCE_MS)
	}

	#tell(): void {
		const { peerId: _peerId, incarnation: _incarnation, sequence: _sequence, ...status } = this.#modules.status()
		const { diskBytes: _diskBytes, ...allocated } = status.allocated
		const telling = JSON.stringify({ ...status, allocated })
		if (telling === this.#told) return
		this.#told = telling
		this.#modules.members.announce(status)
	}
}
