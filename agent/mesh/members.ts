import type { SigningKey, Trust } from '../identity/index.ts'
import {
	Door,
	type Effect,
	Membership,
	type MembershipEvent,
	type Offence,
	type Sign,
	SignatureCheck,
	signer,
	type Timing,
	View,
} from '../membership/index.ts'
import type { NodeStatus, StatusRecord } from '../protocol/index.ts'
import { LatticeError } from '../protocol/index.ts'
import { isCircuit } from './circuits.ts'
import { MemberCertificates } from './member-certificates.ts'
import type { MemberMessage, Verdict } from './member-transport.ts'
import { MeshKeeper, type Wanted } from './mesh-keeper.ts'
import type { MeshLog, Peer } from './peer.ts'
import { type RelayCandidate, Relays } from './relays.ts'

/** Changes within this time travel together; the first of a burst travels at once. */
const ANNOUNCE_PAUSE_MS = 100

export interface MembersOptions {
	peer: Peer
	key: SigningKey
	trust: Trust
	/** the own membership certificate, as it is now */
	certificate: () => string
	/** above that of every earlier start of this node; see `onIncarnation` */
	incarnation: number
	/** members known from before: stored addresses, or those of the invite */
	known?: Wanted[]
	log: MeshLog
	timing?: Partial<Timing>
	/** where this node is reached, or whether it relays, is news: announce it */
	onReach?: () => void
	/** the incarnation rose: keep it */
	onIncarnation?: (incarnation: number) => void
	/** a member did what no honest one does; already logged */
	onOffence?: (offence: Offence) => void
}

/** What a node says of itself; who it is, and how new it is, is added here. */
export type OwnStatus = Omit<NodeStatus, 'peerId' | 'incarnation' | 'sequence'>

/**
 * Drives agent/membership with real peers, real time and real keys, and keeps the full mesh. The console uses it too:
 * it never announces, so it sees what every node sees and is itself no node.
 */
export class Members {
	readonly view: View
	readonly #options: MembersOptions
	readonly #membership: Membership
	readonly #certificates: MemberCertificates
	readonly #door: Door
	readonly #keeper: MeshKeeper
	readonly #relays: Relays
	readonly #sign: Sign
	readonly #endings: (() => void)[] = []
	#timer: NodeJS.Timeout | undefined
	#announceTimer: NodeJS.Timeout | undefined
	#announcedAt = Number.NEGATIVE_INFINITY
	#status: OwnStatus | null = null
	#sequence = 0
	#running = false

	constructor(options: MembersOptions) {
		this.#options = options
		const { peer, key, trust, incarnation, timing, log } = options
		const self = peer.peerId
		this.#sign = signer(key, self, trust.latticeId)
		this.#membership = new Membership(
			{ self, incarnation, now: performance.now(), ...(timing ? { timing } : {}) },
			{ random: Math.random, sign: (statement) => this.#sign(JSON.stringify(statement)) },
		)
		const clocks = { wall: Date.now, monotonic: () => performance.now() }
		this.view = new View({ self }, { membership: this.#membership, clocks })
		this.#certificates = new MemberCertificates(trust)
		const signatures = new SignatureCheck(trust.latticeId)
		this.#door = new Door(self, {
			isGood: (signed) => signatures.isGood(signed),
			isMember: (peerId) => this.#isMember(peerId),
			certified: (certificate, peerId) => this.#certificates.certified(certificate, peerId),
		})
		this.#keeper = new MeshKeeper({ peer, log, wanted: () => this.#wanted() })
		this.#relays = new Relays({
			peer,
			log,
			candidates: () => this.#relayCandidates(),
			onChange: () => options.onReach?.(),
		})
	}

	/** Where others reach this node: directly, and, when somebody cannot dial it, through relays. */
	addresses(): string[] {
		return [...this.#options.peer.addresses(), ...this.#relays.addresses()]
	}

	/** Others can dial this node, so it relays for those that nobody can dial. */
	get relays(): boolean {
		return this.#relays.isReachable
	}

	start(): void {
		const { peer, trust } = this.#options
		this.#running = true
		this.#endings.push(
			peer.members.open(trust.latticeId, (from, message) => this.#receive(from, message)),
			peer.onPeer(({ peerId, connected }) => this.#onPeer(peerId, connected)),
			trust.onLearned(({ kind }) => {
				if (kind === 'revocation') void this.#recheck()
			}),
		)
		for (const { peerId, certificate } of peer.connected()) {
			if (certificate.role !== 'device') this.#feed({ kind: 'connected', peerId })
		}
		this.#keeper.start()
		// One that watches only (the console) has no addresses to announce.
		if (this.#options.onReach) this.#relays.start()
		this.#feed({ kind: 'tick' })
	}

	stop(): void {
		this.#running = false
		for (const end of this.#endings.splice(0)) end()
		this.#keeper.stop()
		this.#relays.stop()
		clearTimeout(this.#timer)
		clearTimeout(this.#announceTimer)
	}

	/** Tell the lattice how this node is. Call it whenever something changed; bursts are joined. */
	announce(status: OwnStatus): void {
		this.#status = status
		if (this.#announceTimer !== undefined) return
		const wait = Math.max(0, this.#announcedAt + ANNOUNCE_PAUSE_MS - performance.now())
		if (wait === 0) this.#announceNow()
		else this.#announceTimer = setTimeout(() => this.#announceNow(), wait)
	}

	/** For good: others show this node as left. Resolves when that was handed over. */
	async leave(): Promise<void> {
		const to = this.#options.peer.connected().filter(({ certificate: { role } }) => role !== 'device')
		await Promise.all(this.#feed({ kind: 'leave', to: to.map(({ peerId }) => peerId) }))
	}

	#announceNow(): void {
		this.#announceTimer = undefined
		if (this.#status === null || !this.#running) return
		this.#announcedAt = performance.now()
		this.#sequence++
		const { peer, certificate } = this.#options
		const { incarnation } = this.#membership
		const status = { ...this.#status, peerId: peer.peerId, incarnation, sequence: this.#sequence }
		const record = { certificate: certificate(), signed: this.#sign(JSON.stringify(status)) }
		this.#feed({ kind: 'announce', entry: { status, record } })
	}

	/** Events go in one at a time, and the effects of each are begun before the next. */
	#feed(event: MembershipEvent): Promise<void>[] {
		if (!this.#running) return []
		const effects = this.#membership.handle(event, performance.now())
		clearTimeout(this.#timer)
		const wait = Math.max(0, this.#membership.wakeAt() - performance.now())
		this.#timer = setTimeout(() => this.#feed({ kind: 'tick' }), wait)
		const begun = effects.flatMap((effect) => this.#perform(effect) ?? [])
		this.view.apply(effects)
		return begun
	}

	#perform(effect: Effect): Promise<void> | undefined {
		const { peer, log } = this.#options
		switch (effect.kind) {
			case 'send':
				return this.#send(effect)
			case 'publish':
				return peer.members.publish(this.#options.trust.latticeId, effect.message).catch((thrown: unknown) => {
					log.warn({ err: thrown, message: effect.message.kind }, 'not published; others learn it by snapshot')
				})
			case 'liveness': {
				const { peerId, liveness, before, why } = effect
				log.info({ peer: peerId, liveness, before, why }, 'member')
				if (liveness === 'down') peer.members.cutOff(peerId)
				if (liveness === 'alive') this.#keeper.want({ peerId, addresses: this.#addressesOf(peerId) })
				return undefined
			}
			case 'status':
				if (effect.entry.status.relay) this.#relays.soon()
				return undefined
			case 'incarnation':
				this.#options.onIncarnation?.(effect.incarnation)
				return undefined
			default:
				return undefined
		}
	}

	async #send({ to, message }: Extract<Effect, { kind: 'send' }>): Promise<void> {
		try {
			await this.#options.peer.members.send({ peerId: to, addresses: this.#addressesOf(to) }, message)
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			this.#options.log.debug({ peer: to, message: message.kind, code: error.code }, 'not handed over')
			const refused = error.facts.refused === true
			if (message.kind === 'probe') this.#feed({ kind: 'probeFailed', id: message.id, refused })
		}
	}

	async #receive(from: string, message: MemberMessage): Promise<Verdict> {
		await this.#certificates.learn(recordsOf(message))
		const opened = this.#door.open(from, message)
		for (const offence of opened.offences) {
			this.#options.log.warn({ peer: offence.by, from, reason: offence.reason }, 'a member misbehaves')
			this.#options.onOffence?.(offence)
		}
		if (opened.message === null) return opened.offences.length > 0 ? 'reject' : 'ignore'
		this.#feed({ kind: 'message', from, message: opened.message })
		return 'accept'
	}

	#onPeer(peerId: string, connected: boolean): void {
		if (!connected) {
			this.#feed({ kind: 'connectionLost', peerId })
			return
		}
		if (this.#roleOf(peerId) !== 'device') this.#feed({ kind: 'connected', peerId })
	}

	#isMember(peerId: string): boolean {
		if (this.#membership.status(peerId) !== undefined) return true
		const role = this.#roleOf(peerId)
		return role !== undefined && role !== 'device'
	}

	#roleOf(peerId: string): string | undefined {
		return this.#options.peer.connected().find((connection) => connection.peerId === peerId)?.certificate.role
	}

	#addressesOf(peerId: string): string[] {
		return this.#membership.status(peerId)?.status.addresses ?? []
	}

	#relayCandidates(): RelayCandidate[] {
		return this.#membership.members().map(({ peerId, liveness }) => {
			const status = this.#membership.status(peerId)?.status
			const relays = liveness === 'alive' && status?.relay === true
			return { peerId, relays, addresses: (status?.addresses ?? []).filter((address) => !isCircuit(address)) }
		})
	}

	/** The living, and those known from before of whom nothing was heard yet. */
	#wanted(): Wanted[] {
		const alive = this.#membership.members().filter(({ liveness }) => liveness === 'alive')
		const unheard = (this.#options.known ?? []).filter(({ peerId }) => !this.#membership.member(peerId))
		return [...alive.map(({ peerId }) => ({ peerId, addresses: this.#addressesOf(peerId) })), ...unheard]
	}

	/** A revocation spreads by admission; a member that it names is forgotten. */
	async #recheck(): Promise<void> {
		this.#certificates.clear()
		const entries = this.#membership.members().flatMap(({ peerId }) => this.#membership.status(peerId) ?? [])
		await this.#certificates.learn(entries.map(({ record }) => record))
		for (const { record } of entries) {
			const { by } = record.signed
			if (this.#certificates.certified(record.certificate, by) === null) this.#feed({ kind: 'forget', peerId: by })
		}
	}
}

function recordsOf(message: MemberMessage): readonly StatusRecord[] {
	if (message.kind === 'status') return [message.record]
	return message.kind === 'records' ? message.records : []
}
