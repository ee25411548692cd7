import type { NodeView } from '../protocol/index.ts'
import type { Effect } from './events.ts'
import type { Membership } from './membership.ts'

/** `view` is null when the node was forgotten. */
export interface ViewChange {
	peerId: string
	view: NodeView | null
}

export interface Clocks {
	/** milliseconds since the epoch; for people only */
	wall: () => number
	/** the clock of the membership */
	monotonic: () => number
}

/**
 * The nodes of the lattice as this node sees them: what each says of itself, and what this node finds. For the scheduler,
 * the API and the dashboard. Fed with the effects of the membership, after each event.
 */
export class View {
	readonly #membership: Membership
	readonly #self: string
	readonly #clocks: Clocks
	readonly #listeners = new Set<(change: ViewChange) => void>()
	/** when a node that never answered here was first heard of */
	readonly #knownSince = new Map<string, number>()

	constructor(options: { self: string }, modules: { membership: Membership; clocks: Clocks }) {
		this.#self = options.self
		this.#membership = modules.membership
		this.#clocks = modules.clocks
	}

	/** By name, then peer id. This node is among them once it has announced itself. */
	list(): NodeView[] {
		const peerIds = [this.#self, ...this.#membership.members().map(({ peerId }) => peerId)]
		return peerIds.flatMap((peerId) => this.get(peerId) ?? []).sort(byName)
	}

	get(peerId: string): NodeView | null {
		const status = this.#membership.status(peerId)?.status
		if (status === undefined) return null
		if (peerId === this.#self) {
			return { status, liveness: 'alive', lastSeenAt: this.#timeOf(this.#clocks.monotonic()), roundTripMs: 0 }
		}
		const member = this.#membership.member(peerId)
		if (member === undefined) return null
		const seenAt = member.lastHeardAt ?? this.#knownSince.get(peerId) ?? this.#clocks.monotonic()
		return { status, liveness: member.liveness, lastSeenAt: this.#timeOf(seenAt), roundTripMs: member.roundTrip }
	}

	/** Told of each change of a status, a verdict or a distance; not of every sign of life. */
	onChange(listener: (change: ViewChange) => void): () => void {
		this.#listeners.add(listener)
		return () => this.#listeners.delete(listener)
	}

	apply(effects: readonly Effect[]): void {
		const changed = new Set<string>()
		for (const effect of effects) {
			switch (effect.kind) {
				case 'status':
					changed.add(effect.entry.status.peerId)
					break
				case 'liveness':
				case 'roundTrip':
					changed.add(effect.peerId)
					break
				case 'forgotten':
					this.#knownSince.delete(effect.peerId)
					changed.add(effect.peerId)
					break
			}
		}
		for (const peerId of changed) {
			if (!this.#knownSince.has(peerId) && this.#membership.member(peerId)) {
				this.#knownSince.set(peerId, this.#clocks.monotonic())
			}
			const view = this.get(peerId)
			for (const listener of this.#listeners) listener({ peerId, view })
		}
	}

	/** A reading of the monotonic clock as a time of day: the clock may have been set meanwhile, the distance holds. */
	#timeOf(reading: number): string {
		return new Date(this.#clocks.wall() - (this.#clocks.monotonic() - reading)).toISOString()
	}
}

function byName(a: NodeView, b: NodeView): number {
	const [x, y] = [a.status.name + a.status.peerId, b.status.name + b.status.peerId]
	return x < y ? -1 : x > y ? 1 : 0
}
