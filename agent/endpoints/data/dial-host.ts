import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { notFound } from '../../commands/ownership.ts'
import type { MembershipClaims, Trust } from '../../identity/index.ts'
import {
	CLOCK_LEEWAY_S,
	DIAL_LEASE_S,
	DialCommand,
	type DialGranted,
	type DialRequest,
	LatticeError,
	LIMITS,
	type SocketAddress,
} from '../../protocol/index.ts'
import type { Assignment } from '../../store/assignments.ts'
import type { Journal } from '../../store/journal.ts'
import type { DialAuthority, DialPath, DialTarget } from '../dialer.ts'
import type { DataCertificate } from './certificate.ts'
import { cutOff } from './cut-off.ts'
import { type Answer, encodeAnswer, type Header } from './header.ts'
import type { Lease, Leases } from './leases.ts'
import type { PlaneMetrics } from './plane-metrics.ts'
import type { ReplicaSockets } from './replica-sockets.ts'
import { SpliceInto } from './splice.ts'

export interface DialHostModules {
	self: { peerId: string; certificate: () => MembershipClaims }
	own: DataCertificate
	trust: () => Trust
	journal: Pick<Journal, 'spendGrant'>
	sockets: ReplicaSockets
	leases: Leases
	metrics: PlaneMetrics
	/** where the own data port may be reached */
	addresses: () => SocketAddress[]
	onRefused: (refusal: { from: string; kind: string; error: LatticeError }) => void
}

/** Who is at the other end of a connection that wants to be opened. */
export type Opener = { certificate: string } | { peerId: string }

/**
 * The host's side of the data plane. The right to connect is verified here, by the chain that every command has; what was
 * granted is looked at again for each connection, since a workload may have been stopped or deployed anew meanwhile.
 */
export class DialHost {
	readonly #modules: DialHostModules
	#open = 0

	constructor(modules: DialHostModules) {
		this.#modules = modules
	}

	async grant(request: DialRequest, from: MembershipClaims): Promise<DialGranted> {
		const { self, own, leases, addresses, onRefused } = this.#modules
		const { dial, authority } = request
		try {
			if (authority === null) this.#asGateway(dial, from)
			else await this.#asUser(dial, authority, self.peerId)
			const { workloadId, replica, container, certificate } = dial
			const lease = leases.grant({
				peerId: from.peerId,
				certificate,
				credential: authority?.credential ?? null,
				target: { workloadId, replica, container },
			})
			return { lease: lease.ticket, seconds: DIAL_LEASE_S, certificate: own.fingerprint, addresses: addresses() }
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			if (error.status === 401 || error.status === 403) onRefused({ from: from.peerId, kind: dial.kind, error })
			throw thrown
		}
	}

	/** For this node itself: the same rules, with nothing between. */
	async connectLocally(target: DialTarget, by: DialAuthority, signal: AbortSignal): Promise<Socket> {
		const { self, sockets, metrics } = this.#modules
		const dial = DialCommand.omit({ certificate: true }).parse({ kind: 'dial', ...target })
		if (by.kind === 'gateway') this.#asGateway(dial, self.certificate())
		else sockets.find(dial, onlyOwner(by.authority.subject.userId))
		const socket = await sockets.connect(dial, signal)
		metrics.count(socket, { path: 'local', workload: target.workloadId, side: 'host' })
		return socket
	}

	/** Takes the connection over: it ends in the container, or it ends. */
	async open(stream: Duplex, { ticket }: Header, by: Opener, path: DialPath['kind']): Promise<void> {
		const { leases, sockets, metrics } = this.#modules
		stream.on('error', () => stream.destroy())
		const lease = leases.find(ticket, by)
		if (lease === null) return refuse(stream, 'unknownLease')
		if (this.#open >= LIMITS.dataConnections) return refuse(stream, 'busy')
		this.#hold(stream, lease)
		const gone = new AbortController()
		stream.once('close', () => gone.abort(new Error('the caller hung up')))
		try {
			const splice = new SpliceInto(stream)
			const socket = await sockets.connect(lease.target, gone.signal, splice.onread)
			if (stream.destroyed) return cutOff(socket)
			stream.write(encodeAnswer('connected'))
			metrics.count(socket, { path, workload: lease.target.workloadId, side: 'host' })
			splice.join(socket)
		} catch (thrown) {
			const { facts } = LatticeError.from(thrown)
			refuse(stream, facts.listening === false ? 'notListening' : 'notRunning')
		}
	}

	/** Something was revoked: whoever was shut out by it has no connection any more. */
	recheck(): void {
		const trust = this.#modules.trust()
		this.#modules.leases.shutOut((holder) => trust.isShutOut(holder))
	}

	#hold(stream: Duplex, lease: Lease): void {
		this.#open += 1
		lease.open.add(stream)
		stream.once('close', () => {
			this.#open -= 1
			lease.open.delete(stream)
		})
	}

	#asGateway(dial: Omit<DialCommand, 'certificate'>, from: MembershipClaims): void {
		if (from.role !== 'agent' || !from.gateway) {
			const sentence = 'Only gateways connect to workloads by themselves; join that node with --gateway.'
			throw new LatticeError('FORBIDDEN', sentence, { peerId: from.peerId })
		}
		const found = this.#modules.sockets.find(dial)
		if (found.expose.includes('gateway')) return
		const sentence = `${found.assignment.name} is not exposed by gateways; add "gateway" to its expose.`
		throw new LatticeError('FORBIDDEN', sentence, { workloadId: dial.workloadId, field: 'config.expose' })
	}

	async #asUser(dial: DialCommand, authority: NonNullable<DialRequest['authority']>, audience: string): Promise<void> {
		const { trust, journal, sockets } = this.#modules
		const { subject, jti, expiresAt } = await trust().verifyAuthority({ ...authority, command: dial, audience })
		journal.spendGrant(jti, (expiresAt + CLOCK_LEEWAY_S) * 1000)
		sockets.find(dial, onlyOwner(subject.userId))
	}
}

/** The bytes of a workload are its owner's alone, as its credentials are: who administers a lattice reads no databases. */
function onlyOwner(userId: string): (assignment: Assignment) => void {
	return ({ owner, workloadId }) => {
		if (owner !== userId) throw notFound(workloadId)
	}
}

function refuse(stream: Duplex, answer: Answer): void {
	if (!stream.destroyed) stream.end(encodeAnswer(answer), () => stream.destroy())
}
