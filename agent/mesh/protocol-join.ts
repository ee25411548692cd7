import { multiaddr } from '@multiformats/multiaddr'
import { JoinGranted, JoinRequest, LatticeError, LIMITS, PROTOCOL } from '../protocol/index.ts'
import { Attempts } from './attempts.ts'
import { type Caller, type Ground, serve } from './door.ts'
import type { JoinHandler } from './peer.ts'
import type { Reach } from './reach.ts'
import { answer, ask } from './reply.ts'

/** Failed joins that one member may forward in a minute: many strangers may stand behind it. */
const FORWARDED_PER_MINUTE = 20 * LIMITS.joinAttemptsPerMinute
/** What no other member would answer differently. */
const FINAL_CODES = new Set([
	'INVITE_INVALID',
	'INVITE_EXPIRED',
	'INVITE_USED',
	'INVALID_INPUT',
	'NAME_TAKEN',
	'REVOKED',
])

/** Redeeming an invite: the only protocol, beside renewal, that is served to strangers. */
export class Join {
	readonly #ground: Ground
	readonly #reach: Reach
	readonly #timeoutMs: number
	readonly #strangers = new Attempts(LIMITS.joinAttemptsPerMinute)
	readonly #forwarders = new Attempts(FORWARDED_PER_MINUTE)
	handler: JoinHandler | null = null

	constructor(ground: Ground, reach: Reach, timeoutMs: number) {
		this.#ground = ground
		this.#reach = reach
		this.#timeoutMs = timeoutMs
	}

	async serve(): Promise<void> {
		await serve(this.#ground, PROTOCOL.join, 'anyone', (stream, caller) => {
			const isMember = caller.claims !== null && caller.claims.role !== 'device'
			const attempts = isMember ? this.#forwarders : this.#strangers
			const source = isMember ? caller.peerId : hostOf(caller)
			return answer(stream, JoinRequest, this.#ground, async (request) => {
				attempts.check(source)
				try {
					return await this.#redeem(request, caller, isMember)
				} catch (thrown) {
					// The console being away is not the joiner's failure, and it is told to try again.
					if (LatticeError.from(thrown).code !== 'ISSUER_UNAVAILABLE') attempts.fail(source)
					throw thrown
				}
			})
		})
	}

	async #redeem(request: JoinRequest, caller: Caller, isMember: boolean): Promise<JoinGranted> {
		const forwarded = request.peerId !== caller.peerId
		if (forwarded && !isMember) {
			throw new LatticeError('INVITE_INVALID', 'This request is for another peer; make a new invite for this machine.')
		}
		if (this.handler !== null) return this.handler(request, { remotePeerId: caller.peerId, forwarded })
		// One hop: what was forwarded once is not passed round among members.
		if (forwarded) throw issuerUnavailable()
		return this.#forward(request)
	}

	async #forward(request: JoinRequest): Promise<JoinGranted> {
		const console = this.#ground.connections.list().find((peer) => peer.certificate.role === 'console')
		if (console === undefined) throw issuerUnavailable()
		const stream = await this.#reach.open(console.peerId, PROTOCOL.join).catch((cause: unknown) => {
			throw issuerUnavailable(cause)
		})
		return ask(stream, request, JoinGranted, this.#timeoutMs)
	}

	async request(addresses: string[], request: JoinRequest): Promise<JoinGranted> {
		let failure: LatticeError | null = null
		for (const [peerId, ofPeer] of byPeer(addresses)) {
			try {
				return await this.#requestAt({ peerId, addresses: ofPeer }, request)
			} catch (thrown) {
				const error = LatticeError.from(thrown)
				if (FINAL_CODES.has(error.code)) throw error
				// A member that answers knows more than one that cannot be reached.
				if (failure === null || error.code !== 'HOST_UNREACHABLE') failure = error
			}
		}
		const none = 'The invite names no address that ends in /p2p/ and a peer id; make a new one.'
		throw failure ?? new LatticeError('INVITE_INVALID', none)
	}

	async #requestAt(member: { peerId: string; addresses: string[] }, request: JoinRequest): Promise<JoinGranted> {
		const connection = await this.#reach.dial(member)
		try {
			const stream = await this.#reach.openOn(connection, PROTOCOL.join)
			return await ask(stream, request, JoinGranted, this.#timeoutMs)
		} finally {
			if (this.#ground.connections.claimsOf(connection) === null) await connection.close()
		}
	}
}

function byPeer(addresses: string[]): Map<string, string[]> {
	const peers = new Map<string, string[]>()
	for (const address of addresses) {
		const peerId = /\/p2p\/([^/]+)$/.exec(address)?.[1]
		if (peerId !== undefined) peers.set(peerId, [...(peers.get(peerId) ?? []), address])
	}
	return peers
}

/** The machine that it comes from: of an address, the first part (/ip4/10.77.0.2). */
function hostOf(caller: Caller): string {
	return multiaddr(caller.connection.remoteAddr.toString()).getComponents()[0]?.value ?? caller.peerId
}

function issuerUnavailable(cause?: unknown): LatticeError {
	const sentence = 'No console is reachable to redeem the invite; it is tried again until the invite expires.'
	return new LatticeError('ISSUER_UNAVAILABLE', sentence, {}, { cause })
}
