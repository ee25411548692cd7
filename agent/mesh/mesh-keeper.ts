import { LatticeError } from '../protocol/index.ts'
import type { MeshLog, Peer } from './peer.ts'

/** One side dials at once, the other only when that did not work (it may be the only one that can): no double connections. */
const SECOND_SIDE_MS = 750
const SWEEP_MS = 5_000
/** With no connection at all there is nothing better to do. */
const LONELY_SWEEP_MS = 1_000
/** A relayed connection is good enough for a while; a failed attempt for a direct one costs seconds of silent packets. */
const UPGRADE_MS = 60_000

export interface Wanted {
	peerId: string
	addresses: string[]
}

/** Keeps this peer connected with everybody it should be connected with: a full mesh of the living. */
export class MeshKeeper {
	readonly #peer: Peer
	readonly #log: MeshLog
	readonly #wanted: () => Wanted[]
	readonly #dialling = new Set<string>()
	/** when a direct way was last tried */
	readonly #triedAt = new Map<string, number>()
	readonly #timers = new Set<NodeJS.Timeout>()
	#sweepTimer: NodeJS.Timeout | undefined

	constructor(modules: { peer: Peer; log: MeshLog; wanted: () => Wanted[] }) {
		this.#peer = modules.peer
		this.#log = modules.log
		this.#wanted = modules.wanted
	}

	start(): void {
		this.#sweep()
	}

	stop(): void {
		clearTimeout(this.#sweepTimer)
		for (const timer of this.#timers) clearTimeout(timer)
		this.#timers.clear()
	}

	/** A member has come to life. */
	want(member: Wanted): void {
		const wait = this.#peer.peerId < member.peerId ? 0 : SECOND_SIDE_MS
		const timer = setTimeout(() => {
			this.#timers.delete(timer)
			void this.#dial(member)
		}, wait)
		this.#timers.add(timer)
	}

	#sweep(): void {
		for (const member of this.#wanted()) void this.#dial(member)
		const wait = this.#peer.connected().length === 0 ? LONELY_SWEEP_MS : SWEEP_MS
		this.#sweepTimer = setTimeout(() => this.#sweep(), wait)
	}

	async #dial(member: Wanted): Promise<void> {
		const { peerId } = member
		if (peerId === this.#peer.peerId || this.#dialling.has(peerId) || member.addresses.length === 0) return
		const known = this.#peer.connected().find((connection) => connection.peerId === peerId)
		if (known && !(known.relayed && this.#isUpgradeDue(peerId))) return
		this.#triedAt.set(peerId, performance.now())
		this.#dialling.add(peerId)
		try {
			await (known ? this.#peer.upgrade(member) : this.#peer.dial(member))
		} catch (thrown) {
			this.#log.debug({ peer: peerId, reason: LatticeError.from(thrown).message }, 'not connected yet')
		} finally {
			this.#dialling.delete(peerId)
		}
	}

	#isUpgradeDue(peerId: string): boolean {
		return performance.now() - (this.#triedAt.get(peerId) ?? Number.NEGATIVE_INFINITY) > UPGRADE_MS
	}
}
