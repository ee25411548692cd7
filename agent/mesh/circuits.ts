import {
	circuitRelayServer,
	circuitRelayTransport,
	RELAY_V2_HOP_CODEC,
	RELAY_V2_STOP_CODEC,
} from '@libp2p/circuit-relay-v2'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Libp2p } from 'libp2p'
import { LatticeError } from '../protocol/index.ts'
import { abortable } from './abortable.ts'

/**
 * What one member carries for others. Members pay for each other, so nothing is metered (the defaults end a circuit after
 * two minutes or 128 KiB); the numbers keep one relay from being filled. A circuit holds at most its inner streams'
 * windows in memory, 1 MiB each.
 */
export const RELAY_LIMITS = {
	/** nodes with a place here */
	reservations: 256,
	/** renewed five minutes before the end, and lost with the connection */
	reservationTtlMs: 60 * 60_000,
	/** open at once, in all … */
	circuits: 1024,
	/** … and begun by one peer: a NATed node dials every other NATed node */
	circuitsOfOne: 256,
	handshakeMs: 10_000,
} as const

export const CIRCUIT_PROTOCOLS: readonly string[] = [RELAY_V2_HOP_CODEC, RELAY_V2_STOP_CODEC]

export function relayServer(): ReturnType<typeof circuitRelayServer> {
	const { reservations, reservationTtlMs, circuits, circuitsOfOne, handshakeMs } = RELAY_LIMITS
	return circuitRelayServer({
		hopTimeout: handshakeMs,
		maxInboundHopStreams: circuitsOfOne,
		maxOutboundStopStreams: circuits,
		reservations: { maxReservations: reservations, reservationTtl: reservationTtlMs, applyDefaultLimit: false },
	})
}

export function circuitTransport(): ReturnType<typeof circuitRelayTransport> {
	const { circuits, circuitsOfOne, handshakeMs } = RELAY_LIMITS
	return circuitRelayTransport({
		maxInboundStopStreams: circuits,
		maxOutboundStopStreams: circuitsOfOne,
		reservationCompletionTimeout: handshakeMs,
		// 4.2: a place that is won empties the queue, and who waits there is never answered; so nobody shall wait.
		reservationConcurrency: 64,
	})
}

/** Circuits that a node carries for others now. */
export function carriedCircuits(node: Libp2p): number {
	return node
		.getConnections()
		.flatMap(({ streams }) => streams)
		.filter(({ protocol, direction }) => protocol === RELAY_V2_HOP_CODEC && direction === 'inbound').length
}

/** `/…/p2p/RELAY/p2p-circuit/p2p/TARGET`: the address of the relay, and who it is. */
export function relayOf(address: string): { peerId: string; address: string } | null {
	const [, outer, peerId] = /^((?:.*)\/p2p\/([^/]+))\/p2p-circuit(?:\/|$)/.exec(address) ?? []
	return outer === undefined || peerId === undefined ? null : { peerId, address: outer }
}

export function isCircuit(address: string): boolean {
	return address.includes('/p2p-circuit')
}

/** The part of the transport that holds the places; its class is not exported. */
interface ReservationStore extends EventTarget {
	addRelay(peerId: ReturnType<typeof peerIdFromString>, type: 'configured'): Promise<unknown>
}

/** The places of this node at relays. */
export class Reservations {
	readonly #store: ReservationStore
	readonly #held = new Set<string>()
	readonly #listeners = new Set<() => void>()

	constructor(transport: object) {
		if (!hasReservationStore(transport)) throw new Error('this version of libp2p keeps no reservations')
		this.#store = transport.reservationStore
		this.#store.addEventListener('relay:created-reservation', (event) => this.#changed(event, true))
		this.#store.addEventListener('relay:removed', (event) => this.#changed(event, false))
	}

	held(): string[] {
		return [...this.#held]
	}

	onChange(listener: () => void): () => void {
		this.#listeners.add(listener)
		return () => this.#listeners.delete(listener)
	}

	async reserve(peerId: string): Promise<void> {
		try {
			const place = this.#store.addRelay(peerIdFromString(peerId), 'configured')
			await abortable(place, AbortSignal.timeout(2 * RELAY_LIMITS.handshakeMs))
		} catch (cause) {
			const reason = cause instanceof Error ? cause.message : String(cause)
			throw new LatticeError(
				'HOST_UNREACHABLE',
				`The node ${peerId} gives no place as a relay: ${reason}. Another one is tried.`,
				{ peerId, reason },
				{ cause },
			)
		}
	}

	#changed(event: Event, held: boolean): void {
		const relay = event instanceof CustomEvent ? String(event.detail.relay) : ''
		if (held) this.#held.add(relay)
		else this.#held.delete(relay)
		for (const listener of this.#listeners) listener()
	}
}

function hasReservationStore(transport: object): transport is { reservationStore: ReservationStore } {
	return (
		'reservationStore' in transport &&
		transport.reservationStore instanceof EventTarget &&
		'addRelay' in transport.reservationStore
	)
}
