import type { MembershipClaims } from '../identity/index.ts'
import { LatticeError } from '../protocol/index.ts'
import { relayOf } from './circuits.ts'
import type { Connection } from './libp2p-types.ts'
import type { MeshLog, PeerChange, PeerConnection } from './peer.ts'

/**
 * Inbound connections without a certificate that may exist at once. A member shows its own within milliseconds, so
 * when strangers crowd the port the one that has waited longest goes, and members still get in.
 */
const MAX_STRANGERS = 128

interface Entry {
	connection: Connection
	admitted: { claims: MembershipClaims; certificate: string } | null
	/** an admission that this side has begun */
	admission: Promise<MembershipClaims> | null
	timer: NodeJS.Timeout
	/** milliseconds; of the admission, until libp2p's monitor has measured */
	rttMs: number | null
}

/** Every connection of this peer, and which of them have been admitted. */
export class Connections {
	readonly #entries = new Map<Connection, Entry>()
	readonly #listeners = new Set<(change: PeerChange) => void>()
	readonly #onAdmitted: (connection: Connection) => void
	readonly #admissionTimeoutMs: number
	readonly #log: MeshLog

	constructor(options: { admissionTimeoutMs: number; onAdmitted?: (connection: Connection) => void; log: MeshLog }) {
		this.#onAdmitted = options.onAdmitted ?? (() => undefined)
		this.#admissionTimeoutMs = options.admissionTimeoutMs
		this.#log = options.log
	}

	opened(connection: Connection): void {
		const timer = setTimeout(() => this.#drop(connection, 'it showed no certificate in time'), this.#admissionTimeoutMs)
		this.#entries.set(connection, { connection, admitted: null, admission: null, timer, rttMs: null })
		if (connection.direction === 'inbound') this.#evictStranger()
	}

	closed(connection: Connection): void {
		const entry = this.#entries.get(connection)
		if (entry === undefined) return
		clearTimeout(entry.timer)
		this.#entries.delete(connection)
		const peerId = connection.remotePeer.toString()
		if (entry.admitted !== null && this.of(peerId) === null) this.#tell({ peerId, connected: false })
	}

	/** A second admission of the same connection renews what is known of it. */
	admit(connection: Connection, claims: MembershipClaims, certificate: string, rttMs: number | null = null): void {
		const entry = this.#entries.get(connection)
		if (entry === undefined) return
		const isNew = this.of(claims.peerId) === null
		const isFirst = entry.admitted === null
		clearTimeout(entry.timer)
		entry.admitted = { claims, certificate }
		entry.rttMs ??= rttMs
		if (isNew) this.#tell({ peerId: claims.peerId, connected: true })
		if (isFirst) this.#onAdmitted(connection)
	}

	/** One admission a connection at a time: whoever else wants the same connection waits for it. */
	admitting(connection: Connection, begin: () => Promise<MembershipClaims>): Promise<MembershipClaims> {
		const entry = this.#entries.get(connection)
		if (entry === undefined) return begin()
		entry.admission ??= begin().finally(() => {
			entry.admission = null
		})
		return entry.admission
	}

	claimsOf(connection: Connection): MembershipClaims | null {
		return this.#entries.get(connection)?.admitted?.claims ?? null
	}

	claimsOfPeer(peerId: string): MembershipClaims | null {
		const connection = this.of(peerId)
		return connection === null ? null : this.claimsOf(connection)
	}

	/**
	 * Who is at the other end, or null for a stranger. Where this side has begun an admission the other may use the
	 * connection as soon as it has answered, before its answer is read here; so that is waited for.
	 */
	async identified(connection: Connection): Promise<MembershipClaims | null> {
		const entry = this.#entries.get(connection)
		return entry?.admitted?.claims ?? (await entry?.admission) ?? null
	}

	/** An admitted, open connection with the peer; a direct one before a relayed one. */
	of(peerId: string): Connection | null {
		let found: Connection | null = null
		for (const { connection, admitted } of this.#entries.values()) {
			if (admitted?.claims.peerId !== peerId || connection.status !== 'open') continue
			if (connection.direct) return connection
			found = connection
		}
		return found
	}

	admitted(): Connection[] {
		return [...this.#entries.values()].filter((entry) => entry.admitted !== null).map((entry) => entry.connection)
	}

	/** Open connections with a peer that run through others. */
	relayedOf(peerId: string): Connection[] {
		return this.admitted().filter(
			({ remotePeer, direct, status }) => remotePeer.toString() === peerId && !direct && status === 'open',
		)
	}

	/** One connection a peer. */
	list(): PeerConnection[] {
		const seen = new Map<string, PeerConnection>()
		for (const { connection, admitted, rttMs } of this.#entries.values()) {
			if (admitted === null || connection !== this.of(admitted.claims.peerId)) continue
			seen.set(admitted.claims.peerId, {
				peerId: admitted.claims.peerId,
				certificate: admitted.claims,
				direction: connection.direction,
				relayed: !connection.direct,
				through: relayOf(connection.remoteAddr.toString())?.peerId ?? null,
				remoteAddress: connection.remoteAddr.toString(),
				rttMs: connection.rtt ?? rttMs,
			})
		}
		return [...seen.values()]
	}

	onPeer(listener: (change: PeerChange) => void): () => void {
		this.#listeners.add(listener)
		return () => this.#listeners.delete(listener)
	}

	/** Cuts the connections whose certificate no longer holds: revoked, or past its end. */
	async recheck(verify: (certificate: string, peerId: string) => Promise<unknown>): Promise<void> {
		for (const { connection, admitted } of [...this.#entries.values()]) {
			if (admitted === null) continue
			try {
				await verify(admitted.certificate, admitted.claims.peerId)
			} catch (thrown) {
				this.#drop(connection, LatticeError.from(thrown).message)
			}
		}
	}

	#drop(connection: Connection, reason: string): void {
		this.#log.info({ peer: connection.remotePeer.toString(), reason }, 'connection dropped')
		connection.abort(new Error(reason))
	}

	#evictStranger(): void {
		const strangers = [...this.#entries.values()].filter(
			(entry) => entry.admitted === null && entry.connection.direction === 'inbound',
		)
		const [oldest] = strangers
		if (oldest !== undefined && strangers.length > MAX_STRANGERS) this.#drop(oldest.connection, 'too many strangers')
	}

	#tell(change: PeerChange): void {
		for (const listener of this.#listeners) listener(change)
	}
}
