import { type Confirmation, isHopeless } from './confirmation.ts'
import type { Rumour } from './events.ts'
import type { Life } from './life.ts'
import type { Prober } from './prober.ts'
import type { Member, Roster } from './roster.ts'
import { shuffled } from './rotation.ts'
import type { RumourQueue } from './rumour-queue.ts'

/** Why a member is looked at more closely. */
type Cause = 'silent' | 'lost' | 'hearsay'

const WINDOW = { silent: 'confirmWindow', lost: 'lostWindow', hearsay: 'hearsayWindow' } as const

const WHY: Record<Cause, string> = {
	silent: 'did not answer a probe',
	lost: 'its connection dropped',
	hearsay: 'another node cannot reach it',
}

interface Modules {
	roster: Roster
	queue: RumourQueue
	life: Life
	prober: Prober
	random: () => number
}

/**
 * alive → suspect → down, and back. Each node judges by what it finds out itself: what others say starts a
 * confirmation and never ends one, so that a liar costs a few probes and nobody's good name.
 */
export class Suspicion {
	readonly #roster: Roster
	readonly #queue: RumourQueue
	readonly #life: Life
	readonly #prober: Prober
	readonly #random: () => number
	/** doubts of this node that wait to be published, by subject */
	readonly #unsaid = new Map<string, number>()

	constructor(modules: Modules) {
		this.#roster = modules.roster
		this.#queue = modules.queue
		this.#life = modules.life
		this.#prober = modules.prober
		this.#random = modules.random
	}

	confirm(member: Member, cause: Cause, now: number): void {
		if (member.liveness === 'down' || member.liveness === 'left') return
		const { timing } = this.#roster
		const wait = Math.max(timing[WINDOW[cause]], timing.confirmRoundTrips * this.#roster.expectedRoundTrip(member))
		const benefit = this.#benefitOfDoubt(member, cause)
		const open = member.confirmation
		if (open) {
			open.suspectAt = Math.min(open.suspectAt, now + benefit)
			if (cause === 'lost') open.deadline = Math.min(open.deadline, now + wait)
		} else {
			member.confirmation = {
				startedAt: now,
				deadline: now + wait,
				suspectAt: now + benefit,
				nextAttemptAt: now,
				refused: false,
				helpers: new Map(),
			}
		}
		if (benefit === 0) this.#suspect(member, WHY[cause], now)
	}

	/** Something came from the member itself, over its own connection or signed for this node. */
	heard(member: Member, now: number): void {
		if (member.liveness === 'left') return
		member.lastHeardAt = now
		this.#clear(member, 'answered')
	}

	/** The member has spoken of an incarnation; a higher one refutes all that was held against the lower. */
	spoke(member: Member, incarnation: number): void {
		if (incarnation <= member.incarnation) return
		member.incarnation = incarnation
		member.suspectedAt = null
		member.farewell = null
		this.#clear(member, 'refuted it with a higher incarnation')
	}

	/** Another member cannot reach this one. */
	doubt(member: Member, by: string, incarnation: number, now: number): boolean {
		if (incarnation < member.incarnation || member.doubters.has(by)) return false
		member.doubters.add(by)
		const { fresh } = this.#roster.timing
		const isFresh = member.lastHeardAt !== null && now - member.lastHeardAt < fresh
		if (member.liveness === 'alive' && !isFresh) this.confirm(member, 'hearsay', now)
		return member.doubters.size === 1
	}

	refused(member: Member): void {
		if (!member.confirmation) return
		member.confirmation.refused = true
		this.#endIfHopeless(member, member.confirmation)
	}

	helperFailed(member: Member, probe: number): void {
		if (!member.confirmation?.helpers.has(probe)) return
		member.confirmation.helpers.set(probe, true)
		this.#endIfHopeless(member, member.confirmation)
	}

	left(member: Member, farewell: Rumour): void {
		member.farewell = farewell
		this.#unsaid.delete(member.peerId)
		member.confirmation = null
		member.suspectedAt = null
		this.#roster.judge(member, 'left', 'has left the lattice')
	}

	tick(now: number): void {
		for (const member of this.#roster.members.values()) {
			const { confirmation } = member
			if (!confirmation) continue
			if (now >= confirmation.deadline) this.#down(member, 'neither it nor any helper answered for it')
			else {
				if (now >= confirmation.suspectAt) this.#suspect(member, 'does not answer', now)
				if (now >= confirmation.nextAttemptAt) this.#attempt(member, confirmation, now)
			}
		}
		for (const [peerId, at] of this.#unsaid) if (now >= at) this.#say(peerId)
	}

	nextAt(): number {
		let at = Number.POSITIVE_INFINITY
		for (const { confirmation, liveness } of this.#roster.members.values()) {
			if (!confirmation) continue
			at = Math.min(at, confirmation.deadline, confirmation.nextAttemptAt)
			if (liveness === 'alive') at = Math.min(at, confirmation.suspectAt)
		}
		for (const due of this.#unsaid.values()) at = Math.min(at, due)
		return at
	}

	shift(late: number): void {
		for (const { confirmation } of this.#roster.members.values()) {
			if (!confirmation) continue
			confirmation.deadline += late
			confirmation.suspectAt += late
			confirmation.nextAttemptAt += late
		}
		for (const [peerId, at] of this.#unsaid) this.#unsaid.set(peerId, at + late)
	}

	/** One direct probe and one through each of a few random members: a bad path of our own accuses nobody. */
	#attempt(member: Member, confirmation: Confirmation, now: number): void {
		const { timing } = this.#roster
		confirmation.nextAttemptAt =
			now + Math.max(timing.retryInterval, Math.min(member.roundTrip ?? 0, timing.roundTripCap))
		const able = this.#roster.alive().filter((other) => other !== member && other.confirmation === null)
		for (const helper of shuffled(able, this.#random).slice(0, timing.helpers)) {
			const id = this.#prober.newId()
			confirmation.helpers.set(id, false)
			this.#roster.send(helper.peerId, { kind: 'probe-for', id, target: member.peerId })
		}
		this.#prober.direct(member, 'confirm', now)
	}

	#endIfHopeless(member: Member, confirmation: Confirmation): void {
		if (isHopeless(confirmation)) this.#down(member, 'it refuses connections, and no helper reached it')
	}

	#suspect(member: Member, why: string, now: number): void {
		if (member.liveness !== 'alive') return
		this.#roster.judge(member, 'suspect', why)
		if (member.doubters.size > 0) return
		const { publishJitter } = this.#roster.timing
		const tried = (member.confirmation?.startedAt ?? now) + this.#oneAttempt(member)
		this.#unsaid.set(member.peerId, Math.max(now, tried) + this.#random() * publishJitter)
	}

	#down(member: Member, why: string): void {
		member.confirmation = null
		member.suspectedAt = member.incarnation
		this.#roster.judge(member, 'down', why)
	}

	#clear(member: Member, why: string): void {
		this.#unsaid.delete(member.peerId)
		this.#queue.dropDoubt(member.peerId)
		member.doubters.clear()
		member.confirmation = null
		// One that comes back rarely comes alone: a cut has healed.
		if (member.liveness === 'down') this.#prober.reviveNow()
		this.#roster.judge(member, 'alive', why)
	}

	/** How long the confirmation may run before the member is called suspect. */
	#benefitOfDoubt(member: Member, cause: Cause): number {
		if (cause === 'lost') return 0
		return cause === 'silent' ? this.#oneAttempt(member) : this.#roster.timing.directTimeout
	}

	/** Long enough for the first attempt to be answered, by one way or another. */
	#oneAttempt(member: Member): number {
		return Math.max(this.#roster.timing.attempt, 2 * this.#roster.expectedRoundTrip(member))
	}

	/** Unless another has said it meanwhile. */
	#say(subject: string): void {
		this.#unsaid.delete(subject)
		const member = this.#roster.members.get(subject)
		if (!member || member.doubters.size > 0 || member.liveness === 'alive' || member.liveness === 'left') return
		member.doubters.add(this.#roster.self)
		const statement = { kind: 'suspect', subject, incarnation: member.incarnation } as const
		const rumour = { statement, subject, signed: this.#life.sign(statement) }
		this.#queue.add(rumour)
		this.#roster.publish({ kind: 'rumour', signed: rumour.signed })
	}
}
