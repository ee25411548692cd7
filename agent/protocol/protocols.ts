/**
 * Protocols as data: what exists, its version and its limits with the reason beside each.
 * A protocol is its version: a change that an old peer cannot read is a new number.
 */
function protocolId(name: string, version: string): string {
	return `/lattice/${name}/${version}`
}

export const PROTOCOL = {
	/** Both sides show their certificates; nothing else is served to a peer before. */
	admission: protocolId('admission', '1.0.0'),
	/** Redeem an invite; the only other protocol a stranger may speak. */
	join: protocolId('join', '1.0.0'),
	/** A member's certificate is renewed by the issuer. */
	renew: protocolId('renew', '1.0.0'),
	/** A command with its authority; answered by a stream of frames. */
	command: protocolId('command', '1.0.0'),
	/** A program in a container, and a person's terminal: a command whose caller goes on sending. */
	exec: protocolId('exec', '1.0.0'),
	/** A host's own truth, live: its node status, workload reports and events. Members only. */
	watch: protocolId('watch', '1.1.0'),
	/** Whether a member answers: direct probes, and probes carried for others. Members only. */
	probe: protocolId('probe', '1.0.0'),
	/** Statuses that one side has newer than the other; a newcomer's first look. Members only. */
	snapshot: protocolId('snapshot', '1.0.0'),
	/** "Dial me": how a node learns whether others can. Members only. */
	dialBack: protocolId('dial-back', '1.0.0'),
	/** Asks a gateway for its answer to an ACME challenge. Members only. */
	challenge: protocolId('challenge', '1.0.0'),
	/** Asks a host for the right to open connections to one port of a workload. */
	dial: protocolId('dial', '1.0.0'),
	/** Asks a host for connections that it dials itself and keeps ready here. */
	ready: protocolId('ready', '1.0.0'),
	/** One connection to a workload, where no better path is: the bytes of the data plane as they are. */
	data: protocolId('data', '1.0.0'),
} as const
export type ProtocolName = keyof typeof PROTOCOL

export const LIMITS = {
	/** One JSON frame. A deploy with 64 KiB of env fits many times; a REST body has the same limit. */
	frameBytes: 1024 * 1024,
	/** A peer that has shown no certificate is dropped after this. */
	admissionTimeoutMs: 10_000,
	/** First frame of a stream must arrive within this, else the stream is reset (slow-loris). */
	firstFrameTimeoutMs: 10_000,
	/** Streams of one protocol on one connection; libp2p's 32/64 break a page with many log tails. */
	streamsPerProtocol: 1024,
	/** Join attempts of one remote address per minute. */
	joinAttemptsPerMinute: 10,
	/** Log lines coalesce to this many bytes or `logBatchMs`, whichever is first. */
	logBatchBytes: 64 * 1024,
	logBatchMs: 50,
	/** More than a host keeps of a container (3 files of 10 MB, 70 bytes and more a line). */
	logLines: 1_000_000,
	/** HTTP bodies of console and agent. */
	bodyBytes: 1024 * 1024,
	/** A signed NodeStatus: 500 image names and 500 workloads are about 90 KiB. */
	recordBytes: 128 * 1024,
	/** Connections that a host holds to its workloads, all together: a file descriptor each way. */
	dataConnections: 4096,
	/** Connections kept ready for one asking peer; a burst of 200 clients of a database and as many to come. */
	readyConnections: 256,
	/** Members of one lattice that a node keeps apart; above this, regions. */
	members: 1024,
} as const

/** Seconds. Clocks of laptops drift; the same leeway everywhere. */
export const CLOCK_LEEWAY_S = 6 * 60
/** Seconds a grant lives. */
export const GRANT_TTL_S = 10 * 60
/**
 * Seconds in which a claim brings an order to a host. Refreshed from the second age on; forgotten, and its name free,
 * when no clock within the leeway could take it for fresh.
 */
export const CLAIM_PLACES_S = 2 * 60
export const CLAIM_REFRESH_AFTER_S = 60
export const CLAIM_FORGOTTEN_S = CLAIM_PLACES_S + 2 * CLOCK_LEEWAY_S
/** Seconds in which new connections to one port of a workload need no new authority (docs/decisions). */
export const DIAL_LEASE_S = 60
/** Seconds an access token lives. */
export const ACCESS_TTL_S = 15 * 60
/** Seconds a membership certificate lives, and the age from which it is renewed. */
export const MEMBERSHIP_TTL_S = 90 * 86_400
export const MEMBERSHIP_RENEW_AFTER_S = 30 * 86_400
/** Seconds after its end in which a certificate may still be renewed, unless revoked: a machine that was off for long. */
export const RENEW_GRACE_S = 90 * 86_400
/** Seconds a device certificate of the CLI lives. */
export const DEVICE_TTL_S = 30 * 86_400
