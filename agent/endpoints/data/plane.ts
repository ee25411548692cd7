import type { TLSSocket } from 'node:tls'
import type { Peer } from '../../mesh/index.ts'
import { type Fingerprint, LatticeError, type SocketAddress } from '../../protocol/index.ts'
import type { DialAuthority, Dialer, Dialled, DialPath, DialTarget } from '../dialer.ts'
import type { DataCertificate } from './certificate.ts'
import type { DataPort } from './data-port.ts'
import type { DialHost } from './dial-host.ts'
import { Direct } from './direct.ts'
import { Grants } from './grants.ts'
import { type Answer, decodeAnswer, encodeHeader, type Header, readExactly } from './header.ts'
import { type Carrier, HostPaths } from './host-paths.ts'
import type { Way } from './path-choice.ts'
import type { PlaneMetrics } from './plane-metrics.ts'

export interface DataPlaneModules {
	peer: Pick<Peer, 'peerId' | 'connected' | 'onPeer' | 'dialGrant' | 'askReady' | 'openData'>
	own: DataCertificate
	/** null on a machine that hosts nothing (the CLI) */
	host: DialHost | null
	/** null where no host can dial back */
	port: DataPort | null
	addresses: (to: { isHere: boolean }) => SocketAddress[]
	nameOf: (peerId: string) => string | null
	metrics: PlaneMetrics
	log: { debug(facts: object, message: string): void }
}

/** From the wish to a connection: asking, finding a way, opening. */
const DIAL_MS = 10_000
/** The host has five seconds to reach the container; a connection that stays silent for longer is dead. */
const ANSWER_MS = 6_000
/** A lease may have ended with the host's agent, and a ready connection with its network: once more, with a new one. */
const TRIES = 2

/** Opens connections to workloads wherever they run; see design.md, "Data plane". */
export class DataPlane implements Dialer {
	readonly #modules: DataPlaneModules
	readonly #grants: Grants
	readonly #direct: Direct
	readonly #hosts = new Map<string, HostPaths>()
	readonly #forget: () => void

	constructor(modules: DataPlaneModules) {
		const { peer, own } = modules
		this.#modules = modules
		this.#direct = new Direct(own)
		this.#grants = new Grants({
			own: own.fingerprint,
			ask: (peerId, request) => peer.dialGrant(peerId, request),
		})
		this.#forget = peer.onPeer(({ peerId, connected }) => {
			const paths = this.#hosts.get(peerId)
			if (connected) paths?.reset()
			else paths?.lost()
		})
	}

	async dial(target: DialTarget, by: DialAuthority, signal: AbortSignal): Promise<Dialled> {
		const { peer, host } = this.#modules
		if (host !== null && target.peerId === peer.peerId) {
			const began = performance.now()
			const stream = await host.connectLocally(target, by, signal)
			return { stream, path: { kind: 'local', through: null, rttMs: tenths(performance.now() - began) } }
		}
		const late = AbortSignal.timeout(DIAL_MS)
		try {
			return await this.#dial(target, by, AbortSignal.any([signal, late]))
		} catch (thrown) {
			if (signal.aborted) throw new LatticeError('CANCELLED', 'The connection was given up before it was there.')
			if (late.aborted)
				throw new LatticeError('TIMEOUT', `${this.#nameOf(target.peerId)} did not answer in time; try again.`)
			throw this.#failure(thrown, target)
		}
	}

	/** A host's connection that was asked for as `ready`; false when it was not. */
	arrive(socket: TLSSocket, { ticket }: Header, pin: Fingerprint): boolean {
		for (const paths of this.#hosts.values()) {
			if (paths.pinned === pin && paths.pool.arrive(ticket, socket)) return true
		}
		return false
	}

	close(): void {
		this.#forget()
		for (const paths of this.#hosts.values()) paths.close()
	}

	async #dial(target: DialTarget, by: DialAuthority, signal: AbortSignal): Promise<Dialled> {
		for (let tries = 1; ; tries++) {
			const granted = await this.#grants.get(target, by, signal)
			const paths = this.#pathsTo(target.peerId)
			const carrier = await paths.connect(granted, signal)
			const began = performance.now()
			const answer = await this.#open(carrier, granted.lease, signal)
			if (answer === 'connected') return this.#dialled(carrier, target, performance.now() - began)
			carrier.stream.destroy()
			if (answer === 'broken') paths.failed(carrier.way)
			else if (answer === 'unknownLease') this.#grants.drop(target, by)
			if (tries >= TRIES || (answer !== 'broken' && answer !== 'unknownLease')) throw refusal(answer, target)
		}
	}

	async #open({ stream }: Carrier, ticket: string, signal: AbortSignal): Promise<Answer | 'broken'> {
		const onError = () => stream.destroy()
		stream.on('error', onError)
		try {
			stream.write(encodeHeader({ kind: 'open', ticket }))
			return (
				decodeAnswer(await readExactly(stream, 1, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]))) ??
				'broken'
			)
		} catch {
			stream.destroy()
			signal.throwIfAborted()
			return 'broken'
		}
	}

	#dialled({ stream, way }: Carrier, { peerId, workloadId }: DialTarget, rttMs: number): Dialled {
		const path = this.#path(way, peerId, tenths(rttMs))
		this.#modules.metrics.count(stream, { path: path.kind, workload: workloadId, side: 'entry' })
		return { stream, path }
	}

	#path(way: Way, peerId: string, rttMs: number): DialPath {
		const connection = this.#modules.peer.connected().find((each) => each.peerId === peerId)
		if (way !== 'mesh' || !connection?.relayed) return { kind: way, through: null, rttMs }
		const relay = /\/p2p\/([^/]+)\/p2p-circuit/.exec(connection.remoteAddress)?.[1]
		return { kind: 'relayed', through: relay ? this.#nameOf(relay) : null, rttMs }
	}

	#pathsTo(peerId: string): HostPaths {
		const known = this.#hosts.get(peerId)
		if (known) return known
		const { peer, own, port, addresses, log } = this.#modules
		const direct = this.#direct
		const paths = new HostPaths({ peerId, own: own.fingerprint, peer, direct, port, addresses, log })
		this.#hosts.set(peerId, paths)
		return paths
	}

	#nameOf(peerId: string): string {
		return this.#modules.nameOf(peerId) ?? peerId
	}

	#failure(thrown: unknown, { peerId }: DialTarget): LatticeError {
		if (thrown instanceof LatticeError) return thrown
		const sentence = `No way leads to ${this.#nameOf(peerId)}; check its network and that its agent runs.`
		return new LatticeError('HOST_UNREACHABLE', sentence, { peerId }, { cause: thrown })
	}
}

const REFUSALS = {
	unknownLease: ['HOST_UNREACHABLE', 'The host was restarted meanwhile; try again.'],
	notRunning: ['WRONG_STATE', 'This replica does not run any more; look at its status.'],
	notListening: ['WRONG_STATE', 'The workload accepts no connection at that port; look at its log.'],
	busy: ['NODE_REFUSED', 'The host holds as many connections as it can; close some, or spread the workload.'],
	broken: ['HOST_UNREACHABLE', 'The host broke the connection off; try again.'],
} as const

function refusal(answer: Exclude<Answer, 'connected'> | 'broken', target: DialTarget): LatticeError {
	const [code, sentence] = REFUSALS[answer]
	const { peerId, workloadId, replica, container } = target
	return new LatticeError(code, sentence, { peerId, workloadId, replica, container })
}

/** Of a millisecond: what is below is noise. */
function tenths(ms: number): number {
	return Math.round(ms * 10) / 10
}
