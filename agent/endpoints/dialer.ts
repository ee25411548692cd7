import type { Duplex } from 'node:stream'
import type { Authority } from '../commands/authority.ts'
import type { EndpointPath } from '../protocol/index.ts'

/** One port of one replica of a workload, on the host that runs it. Nothing else can be dialled. */
export interface DialTarget {
	/** the host */
	peerId: string
	workloadId: string
	replica: number
	/** the port inside the container, as the workload declares it */
	container: number
}

/**
 * On whose word: a gateway fronts what its owner exposed by "gateway" (the host checks the certificate of the gateway and
 * the signed config), a person reaches their own workloads.
 */
export type DialAuthority = { kind: 'gateway' } | { kind: 'user'; authority: Authority }

export type DialPath = EndpointPath

export interface Dialled {
	/** half-close and back-pressure as a TCP socket has them */
	stream: Duplex
	path: DialPath
}

/** Opens connections to workloads, each over the best path there is. */
export interface Dialer {
	/** NOT_FOUND, FORBIDDEN, WRONG_STATE (it does not run), HOST_UNREACHABLE, TIMEOUT */
	dial(target: DialTarget, by: DialAuthority, signal: AbortSignal): Promise<Dialled>
}
