import { setTimeout as delay } from 'node:timers/promises'
import type { Directory } from './commands/directory.ts'
import type { Yielding } from './commands/yielding.ts'
import { ReportProofs } from './identity/index.ts'
import type { Members, Peer } from './mesh/index.ts'
import { LatticeError, type WorkloadReport } from './protocol/index.ts'
import type { Standing } from './standing.ts'

export interface LinksModules {
	peer: Peer
	/** who there is and who answers; it keeps the connections */
	members: Pick<Members, 'view'>
	directory: Directory
	/** members known from enrolment and from peers met since */
	standing: Pick<Standing, 'members' | 'remember' | 'forget' | 'trust'>
	yielding: Pick<Yielding, 'heard'>
	/** a host has deleted a workload: its name may be free */
	onRemoved: (workloadId: string) => void
	/** a member did what no honest one does */
	onOffence: (offence: { by: string; reason: string }) => void
	log: { debug(facts: object, message: string): void; warn(facts: object, message: string): void }
}

/** how long a start waits for the members that are known */
const FIRST_DIAL_MS = 2000
/** A host that stopped telling of itself while it is connected is followed again. */
const FOLLOW_AGAIN_MS = 1000

/**
 * Brings what the lattice says into the directory: the nodes as membership finds them, and of each connected agent its
 * workloads, by following it. The console needs no following: it follows the agents.
 */
export class Links {
	readonly #modules: LinksModules
	readonly #proofs: ReportProofs
	readonly #following = new Map<string, AbortController>()
	readonly #endings: (() => void)[] = []

	constructor(modules: LinksModules) {
		this.#modules = modules
		this.#proofs = new ReportProofs(modules.standing.trust)
	}

	/** Resolves when every known member was dialled once, so that a fresh agent does not take the console for dead. */
	async start(): Promise<void> {
		const { peer, members, directory, standing } = this.#modules
		this.#endings.push(
			members.view.onChange(({ peerId, view }) => {
				if (peerId === peer.peerId) return
				if (view === null) {
					directory.forget(peerId)
					standing.forget(peerId)
					return
				}
				directory.see(view)
				// What a node that has left ran went with it.
				if (view.liveness === 'left') directory.dropReports(peerId)
				const { name, addresses } = view.status
				standing.remember({ peerId, name, addresses })
			}),
			peer.onPeer(({ peerId, connected }) => (connected ? this.#follow(peerId) : this.#following.get(peerId)?.abort())),
		)
		for (const { peerId } of peer.connected()) this.#follow(peerId)
		const dials = standing.members.filter(({ peerId }) => peerId !== peer.peerId).map((member) => peer.dial(member))
		await Promise.race([Promise.allSettled(dials), delay(FIRST_DIAL_MS, null, { ref: false })])
	}

	stop(): void {
		for (const end of this.#endings.splice(0)) end()
		for (const following of this.#following.values()) following.abort()
	}

	#follow(peerId: string): void {
		const role = this.#connection(peerId)?.certificate.role
		if (role !== 'agent' || this.#following.has(peerId)) return
		const following = new AbortController()
		this.#following.set(peerId, following)
		void this.#read(peerId, following.signal).finally(() => {
			this.#following.delete(peerId)
			// The connection may have been replaced by another one while this one ended.
			if (this.#connection(peerId)) setTimeout(() => this.#follow(peerId), FOLLOW_AGAIN_MS).unref()
		})
	}

	async #read(peerId: string, signal: AbortSignal): Promise<void> {
		const { peer, directory, yielding, onRemoved, log } = this.#modules
		directory.dropRoutes(peerId)
		try {
			for await (const frame of peer.watch(peerId, { signal })) {
				// Of the node itself membership speaks, in the node's own signed words.
				if (frame.type === 'node') continue
				if (frame.type === 'report' && !(await this.#isProven(peerId, frame.report))) continue
				if (frame.type === 'routes' && !this.#connection(peerId)?.certificate.gateway) continue
				directory.apply(peerId, frame)
				if (frame.type === 'report') yielding.heard(frame.report)
				if (frame.type === 'removed') onRemoved(frame.workloadId)
			}
		} catch (error) {
			log.debug({ peer: peerId, code: LatticeError.from(error).code }, 'a member stopped telling of itself')
		}
	}

	/** A host speaks of itself, and of what it was given. */
	async #isProven(peerId: string, report: WorkloadReport): Promise<boolean> {
		const { onOffence, log } = this.#modules
		try {
			await this.#proofs.check({ ...report, node: { ...report.node, peerId } })
			if (report.node.peerId === peerId) return true
			onOffence({ by: peerId, reason: 'reported for another host' })
		} catch (thrown) {
			const { code, message } = LatticeError.from(thrown)
			if (code !== 'CLAIM_INVALID') throw thrown
			log.warn({ peer: peerId, workload: report.id, code, reason: message }, 'a member misbehaves')
			onOffence({ by: peerId, reason: 'reported a workload that it was not given' })
		}
		return false
	}

	#connection(peerId: string) {
		return this.#modules.peer.connected().find((connection) => connection.peerId === peerId)
	}
}
