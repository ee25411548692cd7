import type { Signed, Statement } from '../protocol/index.ts'
import type { Effect, Incoming, MembershipEvent, Rumour, StatusEntry } from './events.ts'
import { Life } from './life.ts'
import { type Probe, Prober } from './prober.ts'
import { isNewer, versionOf } from './record-table.ts'
import { type Member, Roster } from './roster.ts'
import { RumourQueue } from './rumour-queue.ts'
import { Suspicion } from './suspicion.ts'
import { Synchroniser } from './synchroniser.ts'
import { TIMING, type Timing } from './timing.ts'

export interface MembershipOptions {
	/** own peer id */
	self: string
	/** above that of every earlier start of this node */
	incarnation: number
	/** milliseconds of the monotonic clock whose later readings come with the events */
	now: number
	timing?: Partial<Timing>
}

/**
 * SWIM (Das, Gupta, Motivala 2002) with refutation, as a pure machine: events and the time go in, effects come out. It
 * does no I/O and reads no clock, so that hours of a lossy lattice of a hundred nodes are simulated in seconds. Whoever
 * feeds it has checked every author (door.ts), and calls `handle` with a tick at `wakeAt` at the latest.
 *
 * A node without a status of its own (the console) watches: it probes others and nobody probes it.
 */
export class Membership {
	readonly #roster: Roster
	readonly #queue = new RumourQueue()
	readonly #life: Life
	readonly #prober: Prober
	readonly #suspicion: Suspicion
	readonly #synchroniser: Synchroniser
	#wakeAt: number
	#gone = false

	constructor(options: MembershipOptions, modules: { random: () => number; sign: (statement: Statement) => Signed }) {
		const { now } = options
		const { random, sign } = modules
		const roster = new Roster(options.self, { ...TIMING, ...options.timing })
		const queue = this.#queue
		const life = new Life(options.incarnation, { roster, queue, sign })
		const prober = new Prober(now, { roster, queue, life, random })
		this.#roster = roster
		this.#life = life
		this.#prober = prober
		this.#suspicion = new Suspicion({ roster, queue, life, prober, random })
		this.#synchroniser = new Synchroniser(now, { roster, random })
		this.#wakeAt = this.#nextAt()
	}

	/** For the next status; it rises with each refutation. */
	get incarnation(): number {
		return this.#life.incarnation
	}

	member(peerId: string): Readonly<Member> | undefined {
		return this.#roster.members.get(peerId)
	}

	/** Everybody known but this node itself. */
	members(): Readonly<Member>[] {
		return [...this.#roster.members.values()]
	}

	status(peerId: string): StatusEntry | undefined {
		return this.#roster.records.get(peerId)
	}

	/** When the next tick is due. */
	wakeAt(): number {
		return this.#wakeAt
	}

	handle(event: MembershipEvent, now: number): Effect[] {
		if (this.#gone) return []
		this.#forgiveStall(now)
		this.#dispatch(event, now)
		this.#tick(now)
		this.#wakeAt = this.#nextAt()
		return this.#roster.takeEffects()
	}

	#dispatch(event: MembershipEvent, now: number): void {
		const member = 'peerId' in event ? this.#roster.members.get(event.peerId) : undefined
		switch (event.kind) {
			case 'tick':
				break
			case 'message':
				this.#onMessage(event.from, event.message, now)
				break
			case 'connected':
				if (member) this.#suspicion.heard(member, now)
				this.#synchroniser.connected(event.peerId, now)
				break
			case 'connectionLost':
				if (member) this.#suspicion.confirm(member, 'lost', now)
				break
			case 'probeFailed':
				this.#onProbeFailed(this.#prober.failed(event.id), event.refused, now)
				break
			case 'announce':
				this.#announce(event.entry)
				break
			case 'leave':
				this.#life.leave(event.to)
				this.#gone = true
				break
			case 'forget':
				this.#roster.forget(event.peerId)
				this.#synchroniser.forget(event.peerId)
				break
		}
	}

	#tick(now: number): void {
		for (const probe of this.#prober.tick(now)) this.#onSilence(probe, now)
		this.#suspicion.tick(now)
		this.#synchroniser.tick(now)
	}

	#onMessage(from: string, message: Incoming, now: number): void {
		const gossip = message.kind === 'status' || message.kind === 'rumour'
		const member = this.#roster.members.get(from)
		// Gossip comes by way of others and may be old: no sign of life.
		if (member && !gossip) this.#suspicion.heard(member, now)
		if ('suspected' in message && message.suspected !== undefined) this.#life.doubted(message.suspected, now)
		if ('rumours' in message) for (const rumour of message.rumours) this.#hear(rumour, now)

		switch (message.kind) {
			case 'probe':
				this.#prober.answer(from, message)
				break
			case 'ack':
				if (member) {
					this.#suspicion.spoke(member, message.incarnation)
					this.#prober.answered(member, message, now)
				}
				this.#synchroniser.missed(from, message.version, now)
				break
			case 'probe-for':
				this.#carry(from, message, now)
				break
			case 'ack-for': {
				const target = this.#roster.members.get(message.target)
				if (!target?.confirmation?.helpers.has(message.id)) break
				this.#suspicion.spoke(target, message.incarnation)
				this.#suspicion.heard(target, now)
				break
			}
			case 'nack-for': {
				const target = this.#roster.members.get(message.target)
				if (target) this.#suspicion.helperFailed(target, message.id)
				break
			}
			case 'sync':
				this.#synchroniser.answer(from, message)
				for (const doubt of message.doubted) this.#doubt(doubt.peerId, from, doubt.incarnation, now)
				break
			case 'records':
				this.#synchroniser.completed(message.entries.filter((entry) => this.#learn(entry)).length > 0, now)
				for (const doubt of message.doubted) this.#doubt(doubt.peerId, from, doubt.incarnation, now)
				this.#synchroniser.give(from, message.wanted)
				break
			case 'status':
				this.#learn(message.entry)
				break
			case 'rumour':
				this.#hear(message.rumour, now)
				break
		}
	}

	#hear(rumour: Rumour, now: number): void {
		const { statement, subject } = rumour
		const member = this.#roster.members.get(subject)
		if (statement.kind === 'suspect') {
			if (this.#doubt(subject, rumour.signed.by, statement.incarnation, now)) this.#queue.add(rumour)
			return
		}
		if (!member || statement.incarnation < member.incarnation) return
		if (statement.kind === 'alive') {
			if (statement.incarnation === member.incarnation) return
			this.#suspicion.spoke(member, statement.incarnation)
		} else {
			if (member.liveness === 'left') return
			member.incarnation = statement.incarnation
			this.#suspicion.left(member, rumour)
		}
		this.#queue.add(rumour)
	}

	/** True when it is news worth passing on. */
	#doubt(subject: string, by: string, incarnation: number, now: number): boolean {
		if (subject === this.#roster.self) {
			this.#life.doubted(incarnation, now)
			return false
		}
		const member = this.#roster.members.get(subject)
		return member !== undefined && this.#suspicion.doubt(member, by, incarnation, now)
	}

	/** True when it is news. */
	#learn(entry: StatusEntry): boolean {
		const { peerId, incarnation } = entry.status
		if (peerId === this.#roster.self) {
			this.#life.outlive(versionOf(entry))
			return false
		}
		if (!this.#roster.records.merge(entry)) return false
		this.#suspicion.spoke(this.#roster.meet(peerId, incarnation), incarnation)
		this.#roster.effect({ kind: 'status', entry })
		return true
	}

	/** A probe on behalf of another member; one whom we do not know either is a failure at once. */
	#carry(from: string, order: { id: number; target: string }, now: number): void {
		const target = this.#roster.members.get(order.target)
		if (target) this.#prober.direct(target, 'carry', now, { peerId: from, probe: order.id })
		else this.#roster.send(from, { kind: 'nack-for', id: order.id, target: order.target })
	}

	#onSilence(probe: Probe, now: number): void {
		const target = this.#roster.members.get(probe.target)
		if (target && probe.purpose === 'round') this.#suspicion.confirm(target, 'silent', now)
	}

	#onProbeFailed(probe: Probe | undefined, refused: boolean, now: number): void {
		const target = probe && this.#roster.members.get(probe.target)
		if (!target) return
		this.#onSilence(probe, now)
		if (refused) this.#suspicion.refused(target)
	}

	#announce(entry: StatusEntry): void {
		if (!isNewer(versionOf(entry), this.#roster.records.version(this.#roster.self))) return
		this.#roster.records.merge(entry)
		this.#roster.effect({ kind: 'status', entry })
		this.#roster.publish({ kind: 'status', record: entry.record })
	}

	/**
	 * A process that was stopped, or starved, wakes up to deadlines that passed while it could not listen. That time
	 * speaks against nobody else, so all of them move.
	 */
	#forgiveStall(now: number): void {
		const late = now - this.#wakeAt
		if (late < this.#roster.timing.stall) return
		this.#prober.shift(late)
		this.#suspicion.shift(late)
		this.#synchroniser.shift(late)
	}

	#nextAt(): number {
		return Math.min(this.#prober.nextAt(), this.#suspicion.nextAt(), this.#synchroniser.nextAt())
	}
}
