import type { Directory } from './commands/directory.ts'
import type { Peer } from './mesh/index.ts'
import { LatticeError } from './protocol/index.ts'
import type { Standing } from './standing.ts'

export interface LinksModules {
	peer: Peer
	directory: Directory
	/** members known from enrolment and from peers met since */
	standing: Pick<Standing, 'members' | 'remember'>
	/** a host has deleted a workload: its name may be free */
	onRemoved: (workloadId: string) => void
	log: { info(facts: object, message: string): void; debug(facts: object, message: string): void }
}

const REDIAL_MS = 2000
/** how long a start waits for the first round */
const FIRST_DIAL_MS = 2000
const REDIAL_MAX_MS = 30_000
/** A peer whose connection dropped is suspect this long, then down. */
const SUSPECT_MS = 3000

/**
 * Keeps a connection to every member and follows what each agent says of itself. The console needs no following: it
 * follows the agents.
 */
export class Links {
	readonly #modules: LinksModules
	readonly #following = new Map<string, AbortController>()
	readonly #attempts = new Map<string, { failures: number; due: number }>()
	readonly #suspects = new Map<string, NodeJS.Timeout>()
	#timer: NodeJS.Timeout | null = null
	#off: (() => void) | null = null

	constructor(modules: LinksModules) {
		this.#modules = modules
	}

	/** Resolves when every member was dialled once, so that a fresh agent does not take the console for dead. */
	async start(): Promise<void> {
		const { peer } = this.#modules
		this.#off = peer.onPeer(({ peerId, connected }) => (connected ? this.#follow(peerId) : this.#lost(peerId)))
		for (const connection of peer.connected()) this.#follow(connection.peerId)
		this.#timer = setInterval(() => void this.#dialAll(), REDIAL_MS)
		await Promise.race([this.#dialAll(), new Promise((resolve) => setTimeout(resolve, FIRST_DIAL_MS).unref())])
	}

	stop(): void {
		if (this.#timer) clearInterval(this.#timer)
		this.#off?.()
		for (const following of this.#following.values()) following.abort()
		for (const timer of this.#suspects.values()) clearTimeout(timer)
	}

	async #dialAll(): Promise<void> {
		const { peer, standing, log } = this.#modules
		const connected = new Set(peer.connected().map((connection) => connection.peerId))
		const dials: Promise<void>[] = []
		for (const member of standing.members) {
			if (member.peerId === peer.peerId || connected.has(member.peerId) || member.addresses.length === 0) continue
			const attempt = this.#attempts.get(member.peerId) ?? { failures: 0, due: 0 }
			if (attempt.due > Date.now()) continue
			const wait = Math.min(REDIAL_MAX_MS, REDIAL_MS * 2 ** attempt.failures)
			this.#attempts.set(member.peerId, { failures: attempt.failures + 1, due: Date.now() + wait })
			const dial = peer.dial(member).then(
				() => void this.#attempts.delete(member.peerId),
				(error: unknown) =>
					log.debug({ peer: member.peerId, code: LatticeError.from(error).code }, 'a member could not be dialled'),
			)
			dials.push(dial)
		}
		await Promise.all(dials)
	}

	#follow(peerId: string): void {
		const { peer, directory, standing, onRemoved, log } = this.#modules
		this.#attempts.delete(peerId)
		clearTimeout(this.#suspects.get(peerId))
		this.#suspects.delete(peerId)
		const role = peer.connected().find((connection) => connection.peerId === peerId)?.certificate.role
		if (role !== 'agent' || this.#following.has(peerId)) return
		const following = new AbortController()
		this.#following.set(peerId, following)
		void (async () => {
			try {
				for await (const frame of peer.watch(peerId, { signal: following.signal })) {
					directory.apply(peerId, frame)
					if (frame.type === 'removed') onRemoved(frame.workloadId)
					if (frame.type === 'node' && frame.node.peerId === peerId) {
						standing.remember({ peerId, name: frame.node.name, addresses: frame.node.addresses })
					}
				}
			} catch (error) {
				log.debug({ peer: peerId, code: LatticeError.from(error).code }, 'a member stopped telling of itself')
			}
			this.#following.delete(peerId)
			const stillThere = peer.connected().some((connection) => connection.peerId === peerId)
			if (stillThere && !following.signal.aborted) setTimeout(() => this.#follow(peerId), REDIAL_MS).unref()
		})()
	}

	#lost(peerId: string): void {
		const { directory } = this.#modules
		this.#following.get(peerId)?.abort()
		directory.judge(peerId, 'suspect', null)
		this.#suspects.set(
			peerId,
			setTimeout(() => directory.judge(peerId, 'down', null), SUSPECT_MS),
		)
	}
}
