import { LatticeError } from '../protocol/index.ts'
import { isLoopback, isThisMachine } from './own-addresses.ts'
import type { MeshLog, Peer, PeerConnection } from './peer.ts'
import { Reachability } from './reachability.ts'

/** When one relay dies the other leads on, while a third is asked for a place. */
const PLACES = 2
/** Members asked at once to dial back: in a large lattice all join in the same second. */
const QUESTIONS = 3
/** Those that come and go within this time are looked at together. */
const DEBOUNCE_MS = 150
const SWEEP_MS = 5_000
/** A relay that gave no place is passed over for so long. */
const REFUSED_MS = 30_000
/** Of one relay, in this node's own addresses: its first lead to it, the rest is its own affair. */
const ADDRESSES_OF_RELAY = 2

export interface RelayCandidate {
	peerId: string
	/** alive, and says that it relays */
	relays: boolean
	addresses: string[]
}

export interface RelaysModules {
	peer: Pick<Peer, 'peerId' | 'relay' | 'addresses' | 'connected' | 'onPeer'>
	candidates: () => RelayCandidate[]
	/** whether it relays, or its addresses through relays, are others now */
	onChange: () => void
	log: MeshLog
}

/**
 * Finds out whether others can dial this node, by asking them to, and keeps places at two relays while somebody cannot.
 * A direct connection that another machine opened is an answer without a question.
 */
export class Relays {
	readonly #modules: RelaysModules
	readonly #reachability = new Reachability()
	readonly #asking = new Set<string>()
	readonly #reserving = new Set<string>()
	readonly #refused = new Map<string, number>()
	readonly #endings: (() => void)[] = []
	#debounce: NodeJS.Timeout | undefined
	#sweep: NodeJS.Timeout | undefined
	#own = ''
	#told = ''

	constructor(modules: RelaysModules) {
		this.#modules = modules
	}

	start(): void {
		const { peer } = this.#modules
		const soon = () => this.soon()
		this.#endings.push(peer.onPeer(soon), peer.relay.onReserved(soon))
		this.#sweep = setInterval(soon, SWEEP_MS)
		soon()
	}

	stop(): void {
		for (const end of this.#endings.splice(0)) end()
		clearTimeout(this.#debounce)
		clearInterval(this.#sweep)
	}

	/** Somebody came or went, or says that it relays. */
	soon(): void {
		this.#debounce ??= setTimeout(() => {
			this.#debounce = undefined
			this.#look()
		}, DEBOUNCE_MS)
	}

	/** Others can dial this node, so it may relay for those that nobody can dial. */
	get isReachable(): boolean {
		return this.#reachability.isReachable
	}

	/** Where this node is reached through relays; empty when it needs none. */
	addresses(): string[] {
		if (!this.#needsRelay) return []
		const { peer, candidates } = this.#modules
		const held = new Set(peer.relay.reserved())
		return candidates()
			.filter(({ peerId }) => held.has(peerId))
			.flatMap(({ addresses }) => {
				const away = addresses.filter((address) => !isLoopback(address))
				return (away.length > 0 ? away : addresses).slice(0, ADDRESSES_OF_RELAY)
			})
			.map((address) => `${address}/p2p-circuit/p2p/${peer.peerId}`)
	}

	/** One that listens nowhere need not ask. */
	get #needsRelay(): boolean {
		return this.#reachability.needsRelay || this.#modules.peer.addresses().length === 0
	}

	#look(): void {
		const { peer, onChange } = this.#modules
		const own = peer.addresses().join()
		if (own !== this.#own) this.#reachability.clear()
		this.#own = own
		const witnesses = this.#witnesses()
		this.#reachability.keep(new Set(witnesses.map(({ peerId }) => peerId)))
		const now = performance.now()
		for (const { peerId, direction } of witnesses) {
			if (direction === 'inbound') this.#reachability.found(peerId, true, now)
			else if (own !== '' && this.#reachability.isDue(peerId, now)) void this.#ask(peerId)
		}
		if (this.#needsRelay) this.#fill(now)
		const telling = JSON.stringify([this.isReachable, this.addresses()])
		if (telling === this.#told) return
		this.#told = telling
		onChange()
	}

	/** Nodes of other machines: what this machine itself can dial proves nothing. Where all is on loopback, all count. */
	#witnesses(): PeerConnection[] {
		const { peer } = this.#modules
		const isLocal = peer.addresses().every(isLoopback)
		return peer
			.connected()
			.filter(({ certificate, relayed }) => certificate.role !== 'device' && !relayed)
			.filter(({ remoteAddress }) => isLocal || !isThisMachine(remoteAddress))
	}

	async #ask(peerId: string): Promise<void> {
		if (this.#asking.has(peerId) || this.#asking.size >= QUESTIONS) return
		this.#asking.add(peerId)
		try {
			const reached = await this.#modules.peer.relay.dialBack(peerId)
			this.#reachability.found(peerId, reached, performance.now())
			this.soon()
		} catch (thrown) {
			this.#modules.log.debug(
				{ peer: peerId, code: LatticeError.from(thrown).code },
				'it could not be asked to dial back',
			)
		} finally {
			this.#asking.delete(peerId)
		}
	}

	/** The nearest of those that this node has a direct connection with. */
	#fill(now: number): void {
		const { peer, candidates } = this.#modules
		const taken = new Set([...peer.relay.reserved(), ...this.#reserving])
		const near = new Map(
			peer.connected().flatMap(({ peerId, relayed, rttMs }) => (relayed ? [] : [[peerId, rttMs ?? 0] as const])),
		)
		const able = candidates()
			.filter(({ peerId, relays }) => relays && near.has(peerId) && !taken.has(peerId))
			.filter(({ peerId }) => now - (this.#refused.get(peerId) ?? Number.NEGATIVE_INFINITY) > REFUSED_MS)
			.sort((a, b) => (near.get(a.peerId) ?? 0) - (near.get(b.peerId) ?? 0))
		for (const { peerId } of able.slice(0, Math.max(0, PLACES - taken.size))) void this.#reserve(peerId)
	}

	async #reserve(peerId: string): Promise<void> {
		const { peer, log } = this.#modules
		this.#reserving.add(peerId)
		try {
			await peer.relay.reserve(peerId)
			log.info({ relay: peerId }, 'nobody can dial this node; others reach it through a relay')
		} catch (thrown) {
			this.#refused.set(peerId, performance.now())
			log.warn({ relay: peerId, reason: LatticeError.from(thrown).message }, 'no place at a relay')
		} finally {
			this.#reserving.delete(peerId)
			this.soon()
		}
	}
}
