import { setTimeout as delay } from 'node:timers/promises'
import type { Peer } from '../../agent/mesh/index.ts'
import { LatticeError, type WatchFrame } from '../../agent/protocol/index.ts'

const FIRST_RETRY_MS = 250
const MAX_RETRY_MS = 30_000
/** A watch that broke while the connection holds (the database was away) starts again after this. */
const REWATCH_MS = 250

export interface HostLinkModules {
	peer: Peer
	addresses: () => string[]
	/** a snapshot is about to come */
	onFollow: () => void
	/** frames in their order; a failure ends the watch, and the next begins with a whole snapshot */
	onFrame: (frame: WatchFrame) => Promise<void>
	/** the snapshot is in */
	onSynced: (held: ReadonlySet<string>) => Promise<void>
	onDialFailed: (error: LatticeError) => void
	log: { warn(facts: object, message: string): void; debug(facts: object, message: string): void }
}

/**
 * Keeps one node connected and watched: dials its saved addresses with back-off while it is away, and follows what it
 * says of itself while it is here. Nodes dial too; whoever is first wins.
 */
export class HostLink {
	readonly peerId: string
	readonly #modules: HostLinkModules
	readonly #stopped = new AbortController()
	#watching = false
	#dialling = false
	#pause: AbortController | null = null
	#synced = false

	constructor(peerId: string, modules: HostLinkModules) {
		this.peerId = peerId
		this.#modules = modules
	}

	/** Connected, and the snapshot is in. */
	get synced(): boolean {
		return this.#synced
	}

	/** The connection is there: follow the node's words. */
	connected(): void {
		// The dialling loop sees it and ends, so that the next loss begins with a short wait again.
		this.#pause?.abort()
		void this.#watch()
	}

	/** The connection is gone: look for the node, at once and then more and more rarely. */
	lost(): void {
		this.#synced = false
		void this.#dial()
	}

	stop(): void {
		this.#stopped.abort()
		this.#synced = false
	}

	async #watch(): Promise<void> {
		if (this.#watching) return
		this.#watching = true
		try {
			while (!this.#stopped.signal.aborted && this.#isConnected()) {
				await this.#follow()
				this.#synced = false
				if (this.#isConnected()) await delay(REWATCH_MS, undefined, { ref: false })
			}
		} finally {
			this.#watching = false
		}
	}

	async #follow(): Promise<void> {
		const { peer, onFollow, onFrame, onSynced, log } = this.#modules
		const held = new Set<string>()
		onFollow()
		try {
			for await (const frame of peer.watch(this.peerId, { signal: this.#stopped.signal })) {
				if (frame.type === 'report' && !this.#synced) held.add(frame.report.id)
				await onFrame(frame)
				if (frame.type === 'synced') {
					this.#synced = true
					await onSynced(held)
				}
			}
		} catch (error) {
			// A console that stops closes its database under the last frames.
			const isExpected = this.#stopped.signal.aborted || LatticeError.from(error).code === 'HOST_UNREACHABLE'
			if (!isExpected) {
				log.warn({ peer: this.peerId, err: error }, 'following a node failed; it is watched afresh')
			}
		}
	}

	/** One loop at a time; it ends when the node is connected, by whoever dialled. */
	async #dial(): Promise<void> {
		if (this.#dialling) return
		this.#dialling = true
		let retryMs = FIRST_RETRY_MS
		try {
			while (!this.#stopped.signal.aborted && !this.#isConnected()) {
				await this.#tryOnce()
				// Half of it at random: nodes that lost each other together do not come back in step.
				if (!this.#isConnected()) await this.#wait(retryMs * (0.5 + Math.random() / 2))
				retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)
			}
		} finally {
			this.#dialling = false
		}
	}

	async #tryOnce(): Promise<void> {
		const addresses = this.#modules.addresses()
		if (addresses.length === 0) return
		try {
			await this.#modules.peer.dial({ peerId: this.peerId, addresses })
		} catch (error) {
			this.#modules.onDialFailed(LatticeError.from(error))
		}
	}

	#isConnected(): boolean {
		return this.#modules.peer.connected().some((connection) => connection.peerId === this.peerId)
	}

	async #wait(ms: number): Promise<void> {
		this.#pause = new AbortController()
		const signal = AbortSignal.any([this.#stopped.signal, this.#pause.signal])
		await delay(ms, undefined, { signal, ref: false }).catch((error: unknown) => {
			if (!signal.aborted) throw error
		})
	}
}
