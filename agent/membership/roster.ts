import type { Doubt, GossipMessage, Liveness, ProbeMessage, SnapshotMessage } from '../protocol/index.ts'
import type { Confirmation } from './confirmation.ts'
import type { Effect, Rumour } from './events.ts'
import { RecordTable } from './record-table.ts'
import type { Timing } from './timing.ts'

/** A member as this node sees it. Times are milliseconds of the local monotonic clock. */
export interface Member {
	readonly peerId: string
	/** the highest that the member itself has spoken of */
	incarnation: number
	liveness: Liveness
	/** null: known by hearsay only */
	lastHeardAt: number | null
	/** smoothed; null before the first answer */
	roundTrip: number | null
	/** while this node finds out whether the member is there */
	confirmation: Confirmation | null
	/** this incarnation was held down here, and the member is told so until it refutes */
	suspectedAt: number | null
	/** who said of the present incarnation that it does not answer */
	doubters: Set<string>
	/** its own goodbye, to be shown to newcomers */
	farewell: Rumour | null
}

/** A quarter of the newest sample: follows a changed path within a few probes, forgives one slow answer. */
const ROUND_TRIP_GAIN = 0.25

/** Everybody this node knows, and what shall be done about it: the state that the parts of membership share. */
export class Roster {
	readonly self: string
	readonly timing: Timing
	readonly members = new Map<string, Member>()
	readonly records = new RecordTable()
	#effects: Effect[] = []
	#typicalRoundTrip: number | null = null
	readonly #reported = new Map<string, number>()

	constructor(self: string, timing: Timing) {
		this.self = self
		this.timing = timing
	}

	/** Learn that a member exists. It counts as alive until a probe says otherwise. */
	meet(peerId: string, incarnation: number): Member {
		const known = this.members.get(peerId)
		if (known) return known
		const member: Member = {
			peerId,
			incarnation,
			liveness: 'alive',
			lastHeardAt: null,
			roundTrip: null,
			confirmation: null,
			suspectedAt: null,
			doubters: new Set(),
			farewell: null,
		}
		this.members.set(peerId, member)
		this.#effects.push({ kind: 'liveness', peerId, liveness: 'alive', before: null, why: 'is new here' })
		return member
	}

	judge(member: Member, liveness: Liveness, why: string): void {
		const before = member.liveness
		if (before === liveness) return
		member.liveness = liveness
		this.#effects.push({ kind: 'liveness', peerId: member.peerId, liveness, before, why })
	}

	forget(peerId: string): void {
		this.records.delete(peerId)
		this.#reported.delete(peerId)
		if (this.members.delete(peerId)) this.#effects.push({ kind: 'forgotten', peerId })
	}

	measured(member: Member, sample: number): void {
		this.#typicalRoundTrip = smoothed(this.#typicalRoundTrip, sample)
		member.roundTrip = smoothed(member.roundTrip, sample)
		const reported = this.#reported.get(member.peerId)
		if (reported !== undefined && Math.abs(member.roundTrip - reported) <= Math.max(1, reported / 4)) return
		this.#reported.set(member.peerId, member.roundTrip)
		this.#effects.push({ kind: 'roundTrip', peerId: member.peerId, milliseconds: member.roundTrip })
	}

	/** What an answer takes; for a member that was not measured yet, what it takes from here to others. Bounded, see Timing. */
	expectedRoundTrip(member: Member): number {
		return Math.min(member.roundTrip ?? this.#typicalRoundTrip ?? 0, this.timing.roundTripCap)
	}

	/** Those who can be asked, and are worth a probe. */
	alive(): Member[] {
		return [...this.members.values()].filter((member) => member.liveness === 'alive')
	}

	/** Whom this node holds suspect or down: told to whoever compares views, so that the doubted can refute. */
	doubted(): Doubt[] {
		return [...this.members.values()]
			.filter(({ liveness }) => liveness === 'suspect' || liveness === 'down')
			.map(({ peerId, incarnation }) => ({ peerId, incarnation }))
	}

	send(to: string, message: ProbeMessage | SnapshotMessage): void {
		this.#effects.push({ kind: 'send', to, message })
	}

	publish(message: GossipMessage): void {
		this.#effects.push({ kind: 'publish', message })
	}

	effect(effect: Effect): void {
		this.#effects.push(effect)
	}

	takeEffects(): Effect[] {
		const effects = this.#effects
		this.#effects = []
		return effects
	}
}

function smoothed(average: number | null, sample: number): number {
	return average === null ? sample : average + ROUND_TRIP_GAIN * (sample - average)
}
