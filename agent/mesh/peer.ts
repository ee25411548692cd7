import type { Duplex } from 'node:stream'
import type { MembershipClaims, SigningKey, Trust } from '../identity/index.ts'
import type {
	CommandFrame,
	CommandRequest,
	DialGranted,
	DialRequest,
	ExecInput,
	ExecOutput,
	JoinGranted,
	JoinRequest,
	ReadyPromised,
	ReadyRequest,
	RenewGranted,
	RenewRequest,
	WatchFrame,
} from '../protocol/index.ts'
import type { MemberTransport } from './member-transport.ts'
import type { ChallengeTransport } from './protocol-challenge.ts'
import type { RelayTransport } from './relay-transport.ts'

/** The part of pino's logger that this room uses. */
export interface MeshLog {
	debug(facts: object, message: string): void
	info(facts: object, message: string): void
	warn(facts: object, message: string): void
	error(facts: object, message: string): void
}

export interface PeerOptions {
	/** its peer id is the peer's */
	key: SigningKey
	/** multiaddrs; empty for a client that only dials (the CLI) */
	listen: string[]
	/** multiaddrs that others reach this peer by, beside those it listens on */
	announce?: string[]
	/** carries circuits of others, for those that nobody can dial */
	relay?: boolean
	/** null before enrolment */
	trust: () => Trust | null
	/** the own membership or device certificate; null before enrolment */
	certificate: () => string | null
	log: MeshLog
	timeouts?: Partial<MeshTimeouts>
}

/** Milliseconds. Injectable so that tests need not wait for them. */
export interface MeshTimeouts {
	/** a connection that has shown no certificate is dropped after this */
	admission: number
	/** the first frame of a stream must have come by then */
	firstFrame: number
	/** to dial, be admitted and open a stream; beyond it the host counts as unreachable */
	reach: number
	/** one address of several: a dead one must not use up the whole of `reach` */
	address: number
	/** an issuer's answer to join or renew, forwarding included */
	issuer: number
	/** how often certificates of open connections are checked again, for those that end meanwhile */
	recheck: number
	/**
	 * how often each connection is asked whether it still lives. 10 s for whoever has nothing else to tell by; with
	 * `Members` a silent peer is cut off after 2 s (WITH_MEMBERS)
	 */
	ping: number
}

/** An admitted connection. */
export interface PeerConnection {
	peerId: string
	/** what its certificate says */
	certificate: MembershipClaims
	direction: 'inbound' | 'outbound'
	/** through another node */
	relayed: boolean
	/** peer id of that node; null when the connection is direct */
	through: string | null
	remoteAddress: string
	/** null before the first measurement; then of the last 10 seconds */
	rttMs: number | null
}

export interface PeerChange {
	peerId: string
	connected: boolean
}

export type CommandHandler = (
	request: CommandRequest,
	context: { from: MembershipClaims; signal: AbortSignal },
) => AsyncIterable<CommandFrame>
export type ExecHandler = (
	request: CommandRequest,
	input: AsyncIterable<ExecInput>,
	context: { from: MembershipClaims; signal: AbortSignal },
) => AsyncIterable<ExecOutput>
export type WatchSource = (signal: AbortSignal) => AsyncIterable<WatchFrame>
export type JoinHandler = (
	request: JoinRequest,
	context: { remotePeerId: string; forwarded: boolean },
) => Promise<JoinGranted>
/** `claims` may have ended: the handler asks its records whether the node is still wanted. */
export type RenewHandler = (request: RenewRequest, context: { claims: MembershipClaims }) => Promise<RenewGranted>

/** What a host of workloads answers; see agent/endpoints. */
export interface DialService {
	dial(request: DialRequest, from: MembershipClaims): Promise<DialGranted>
	ready(request: ReadyRequest, context: { from: MembershipClaims; remoteAddress: string }): Promise<ReadyPromised>
	/** a connection to a workload; who it may reach is said in its first bytes, and is the service's to judge */
	data(stream: Duplex, context: { from: MembershipClaims; relayed: boolean }): void
}

/** A peer of the lattice: agent, console, or a client with a device certificate. */
export interface Peer {
	readonly peerId: string
	/** for agent/membership: probes, snapshots, gossip */
	readonly members: MemberTransport
	/** for agents that may be behind NAT */
	readonly relay: RelayTransport
	/** for gateways */
	readonly challenges: ChallengeTransport
	/** multiaddrs that end in /p2p/PEERID: where others may dial this machine, loopback last; not those through relays */
	addresses(): string[]
	start(): Promise<void>
	stop(): Promise<void>

	/** Connects and is admitted. HOST_UNREACHABLE, or the refusal of the other side (REVOKED, CERTIFICATE_EXPIRED …). */
	dial(member: { peerId: string; addresses: string[] }): Promise<void>
	/** Tries for a direct connection in the place of a relayed one, which is closed when nothing needs it any more. */
	upgrade(member: { peerId: string; addresses: string[] }): Promise<void>
	/** Closes all connections with that peer. */
	hangUp(peerId: string): Promise<void>
	/** Admitted peers, one connection each. */
	connected(): PeerConnection[]
	/** After admission, and when the last connection is lost. */
	onPeer(listener: (change: PeerChange) => void): () => void
	/** Shows the own certificate and what is known of issuers and revocations on all connections again; after a renewal. */
	announce(): Promise<void>

	handleCommands(handler: CommandHandler): void
	/**
	 * Frames until the result or error frame. Throws HOST_UNREACHABLE when the peer cannot be reached or breaks off
	 * before a result, CANCELLED when the signal aborts. Leaving the loop early tells the host to stop.
	 */
	command(peerId: string, request: CommandRequest, options?: { signal?: AbortSignal }): AsyncIterable<CommandFrame>

	handleDials(service: DialService): void
	/** The host's refusal is thrown as it is; HOST_UNREACHABLE when it does not answer. */
	dialGrant(peerId: string, request: DialRequest, options?: { signal?: AbortSignal }): Promise<DialGranted>
	askReady(peerId: string, request: ReadyRequest, options?: { signal?: AbortSignal }): Promise<ReadyPromised>
	/** Bytes to the host's `data`, with half-close and back-pressure. */
	openData(peerId: string, options?: { signal?: AbortSignal }): Promise<Duplex>
	handleExec(handler: ExecHandler): void
	/** Output until `exit` or `error`; leaving early, or the signal, ends the program. HOST_UNREACHABLE, CANCELLED as `command`. */
	exec(
		peerId: string,
		request: CommandRequest,
		input: AsyncIterable<ExecInput>,
		options: { signal: AbortSignal },
	): AsyncIterable<ExecOutput>

	handleWatch(source: WatchSource): void
	/** Never ends by itself: throws HOST_UNREACHABLE when the host is lost; ends quietly when the signal aborts. */
	watch(peerId: string, options: { signal: AbortSignal }): AsyncIterable<WatchFrame>

	/** A peer that sets this is an issuer; others forward to the console they are connected with. */
	handleJoin(handler: JoinHandler): void
	/**
	 * Redeems an invite at the first member that answers. The caller checks the root that it gets against the lattice
	 * id of its invite (`new Trust` does).
	 */
	join(addresses: string[], request: JoinRequest): Promise<JoinGranted>

	handleRenew(handler: RenewHandler): void
	/** A fresh certificate from the connected console, or from the given issuer; also when the own one has ended. */
	renew(issuer?: { peerId: string; addresses: string[] }): Promise<RenewGranted>
}
