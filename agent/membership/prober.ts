import type { Signed } from '../protocol/index.ts'
import type { Life } from './life.ts'
import type { Member, Roster } from './roster.ts'
import { Rotation } from './rotation.ts'
import type { RumourQueue } from './rumour-queue.ts'

/** Kept this long after its deadline would be a leak; a later answer still counts as a sign of life. */
const FORGET_AFTER_MS = 10_000
/** 2^48: an id that cannot be guessed and is an exact integer in JSON. */
const ID_RANGE = 2 ** 48

type Purpose =
	/** the rotation's: without an answer a confirmation starts */
	| 'round'
	/** one attempt of a confirmation */
	| 'confirm'
	/** of a member that is down */
	| 'revive'
	/** for another member, who is told how it went */
	| 'carry'

export interface Probe {
	readonly id: number
	readonly target: string
	readonly sentAt: number
	deadline: number
	readonly purpose: Purpose
	readonly asker: { peerId: string; probe: number } | undefined
}

/** Sends probes, knows which are open, carries them for others and answers those of others. */
export class Prober {
	readonly #roster: Roster
	readonly #queue: RumourQueue
	readonly #life: Life
	readonly #random: () => number
	readonly #open = new Map<number, Probe>()
	readonly #downRound: Rotation
	#roundAt: number
	#reviveAt: number

	constructor(now: number, modules: { roster: Roster; queue: RumourQueue; life: Life; random: () => number }) {
		this.#roster = modules.roster
		this.#queue = modules.queue
		this.#life = modules.life
		this.#random = modules.random
		this.#downRound = new Rotation(modules.random)
		// Nodes that start together shall not probe together.
		this.#roundAt = now + modules.random() * modules.roster.timing.probeInterval
		this.#reviveAt = now + modules.random() * modules.roster.timing.downInterval
	}

	newId(): number {
		return Math.floor(this.#random() * ID_RANGE)
	}

	/** Starts what is due and returns the probes that got no answer in time. */
	tick(now: number): Probe[] {
		const { timing } = this.#roster
		if (now >= this.#roundAt) {
			this.#roundAt = now + this.#jittered(timing.probeInterval)
			const target = this.#leastHeard()
			if (target) this.direct(target, 'round', now)
		}
		if (now >= this.#reviveAt) {
			this.#reviveAt = now + this.#jittered(timing.downInterval)
			const target = this.#roster.members.get(this.#downRound.next(this.#down()) ?? '')
			if (target) this.direct(target, 'revive', now)
		}
		const expired = [...this.#open.values()].filter((probe) => now >= probe.deadline)
		for (const probe of expired) this.#close(probe)
		return expired
	}

	direct(member: Member, purpose: Purpose, now: number, asker?: Probe['asker']): void {
		const { timing } = this.#roster
		const patient = purpose === 'round' || purpose === 'carry'
		const probe: Probe = {
			id: this.newId(),
			target: member.peerId,
			sentAt: now,
			deadline: now + (patient ? this.#patience(member) : Math.max(FORGET_AFTER_MS, timing.downInterval)),
			purpose,
			asker,
		}
		this.#open.set(probe.id, probe)
		this.#roster.send(member.peerId, {
			kind: 'probe',
			id: probe.id,
			suspected: member.suspectedAt ?? undefined,
			asker,
			rumours: this.#rumours(),
		})
	}

	/** The next member that is down is probed at once, not at the end of the interval. */
	reviveNow(): void {
		this.#reviveAt = Number.NEGATIVE_INFINITY
	}

	/** An answer, if it is one to an open probe: measures the way, and tells the member on whose behalf we asked. */
	answered(from: Member, ack: { id: number; answer?: Signed | undefined }, now: number): void {
		const probe = this.#open.get(ack.id)
		if (probe?.target !== from.peerId) return
		this.#open.delete(ack.id)
		this.#roster.measured(from, now - probe.sentAt)
		if (probe.asker && ack.answer) {
			const { peerId, probe: id } = probe.asker
			this.#roster.send(peerId, { kind: 'ack-for', id, target: from.peerId, answer: ack.answer })
		}
	}

	/** The adapter could not hand it over. */
	failed(id: number): Probe | undefined {
		const probe = this.#open.get(id)
		if (probe) this.#close(probe)
		return probe
	}

	/** Answer a probe of another member, known here or not. */
	answer(from: string, probe: { id: number; asker?: Probe['asker'] }): void {
		const { incarnation, version } = this.#life
		const { asker } = probe
		this.#roster.send(from, {
			kind: 'ack',
			id: probe.id,
			incarnation,
			version,
			suspected: this.#roster.members.get(from)?.suspectedAt ?? undefined,
			answer: asker && this.#life.sign({ kind: 'answer', asker: asker.peerId, probe: asker.probe, incarnation }),
			rumours: this.#rumours(),
		})
	}

	nextAt(): number {
		let at = Math.min(this.#roundAt, this.#reviveAt)
		for (const probe of this.#open.values()) at = Math.min(at, probe.deadline)
		return at
	}

	shift(late: number): void {
		this.#roundAt += late
		this.#reviveAt += late
		for (const probe of this.#open.values()) probe.deadline += late
	}

	#close(probe: Probe): void {
		this.#open.delete(probe.id)
		if (probe.asker) {
			const { peerId, probe: id } = probe.asker
			this.#roster.send(peerId, { kind: 'nack-for', id, target: probe.target })
		}
	}

	#patience(member: Member): number {
		const { directTimeout, directRoundTrips } = this.#roster.timing
		return Math.max(directTimeout, directRoundTrips * this.#roster.expectedRoundTrip(member))
	}

	/**
	 * Whose last sign of life is oldest. A probe is a sign of life of whoever sends it, so each exchange serves both sides,
	 * and the probes that a member gets from the others are spread over time: half the traffic of a random order.
	 */
	#leastHeard(): Member | undefined {
		const busy = new Set<string>()
		for (const probe of this.#open.values()) if (probe.purpose === 'round') busy.add(probe.target)
		let chosen: Member | undefined
		let oldest = Number.POSITIVE_INFINITY
		let equals = 0
		for (const member of this.#roster.members.values()) {
			if (member.liveness !== 'alive' || member.confirmation || busy.has(member.peerId)) continue
			const heardAt = member.lastHeardAt ?? Number.NEGATIVE_INFINITY
			if (heardAt > oldest) continue
			equals = heardAt === oldest ? equals + 1 : 1
			oldest = heardAt
			// Among those of whom nothing was ever heard, any.
			if (this.#random() * equals < 1) chosen = member
		}
		return chosen
	}

	#down(): Set<string> {
		const down = new Set<string>()
		for (const { liveness, peerId } of this.#roster.members.values()) if (liveness === 'down') down.add(peerId)
		return down
	}

	#rumours(): ReturnType<RumourQueue['take']> {
		return this.#queue.take(this.#roster.members.size + 1)
	}

	/** A tenth to either side. */
	#jittered(interval: number): number {
		return interval * (0.9 + 0.2 * this.#random())
	}
}
