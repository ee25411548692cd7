import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { DIAL_LEASE_S, type DialCommand, type Fingerprint, type Ticket } from '../../protocol/index.ts'
import { cutOff } from './cut-off.ts'

export interface Lease {
	ticket: Ticket
	/** who was given it: the peer, its certificate on the data plane, and the credential that it showed (null: a gateway) */
	peerId: string
	certificate: Fingerprint
	credential: string | null
	target: Pick<DialCommand, 'workloadId' | 'replica' | 'container'>
	/** by the monotonic clock, in milliseconds */
	expiresAt: number
	/** connections that were opened under it; they outlive it */
	open: Set<Duplex>
}

/** Of one peer; each is for one port, and renewed each half minute while it is used. */
const MAX_OF_PEER = 1024

/**
 * What this host granted. A lease is worth nothing without the peer that asked for it: it must come from that peer over
 * libp2p, or under the TLS certificate that the peer named.
 */
export class Leases {
	readonly #leases = new Map<Ticket, Lease>()
	readonly #now: () => number

	constructor(now: () => number = () => performance.now()) {
		this.#now = now
	}

	grant(to: Pick<Lease, 'peerId' | 'certificate' | 'credential' | 'target'>): Lease {
		this.#expire()
		const ofPeer = [...this.#leases.values()].filter(({ peerId }) => peerId === to.peerId)
		// One that carries something is kept: a revocation ends what runs under it.
		const oldest = ofPeer.find(({ open }) => open.size === 0)
		if (oldest && ofPeer.length >= MAX_OF_PEER) this.#leases.delete(oldest.ticket)
		const ticket = randomBytes(16).toString('base64url')
		const lease = { ...to, ticket, expiresAt: this.#now() + DIAL_LEASE_S * 1000, open: new Set<Duplex>() }
		this.#leases.set(ticket, lease)
		return lease
	}

	/** null for one that is unknown, over, or another's: the three look the same from outside. */
	find(ticket: Ticket, by: { certificate: Fingerprint } | { peerId: string }): Lease | null {
		const lease = this.#leases.get(ticket)
		if (lease === undefined || lease.expiresAt < this.#now()) return null
		const isTheirs = 'peerId' in by ? lease.peerId === by.peerId : lease.certificate === by.certificate
		return isTheirs ? lease : null
	}

	/** Whether the peer may have connections made to it under that certificate. */
	has(peerId: string, certificate: Fingerprint): boolean {
		this.#expire()
		return [...this.#leases.values()].some((lease) => lease.peerId === peerId && lease.certificate === certificate)
	}

	/** Ends the leases of those who are shut out, and what runs under them, also under leases that are over. */
	shutOut(isShutOut: (holder: Pick<Lease, 'peerId' | 'credential'>) => boolean): void {
		for (const lease of this.#leases.values()) {
			if (!isShutOut(lease)) continue
			this.#leases.delete(lease.ticket)
			for (const stream of lease.open) cutOff(stream)
		}
	}

	/** One that is over is kept while something runs under it. */
	#expire(): void {
		for (const [ticket, lease] of this.#leases) {
			if (lease.expiresAt < this.#now() && lease.open.size === 0) this.#leases.delete(ticket)
		}
	}
}
