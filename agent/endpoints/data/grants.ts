import { abortable } from '../../mesh/abortable.ts'
import type { DialCommand, DialGranted, DialRequest, Fingerprint } from '../../protocol/index.ts'
import type { DialAuthority, DialTarget } from '../dialer.ts'

export interface GrantsModules {
	own: Fingerprint
	ask: (peerId: string, request: DialRequest) => Promise<DialGranted>
}

interface Held {
	granted: Promise<DialGranted>
	/** monotonic milliseconds from which it is asked for again beside its use, and from which it is of no use */
	renewAt: number
	endsAt: number
}

/** Leases that hosts gave this node. One serves every connection to the same port for the same person, and is renewed in time. */
export class Grants {
	readonly #modules: GrantsModules
	readonly #held = new Map<string, Held>()

	constructor(modules: GrantsModules) {
		this.#modules = modules
	}

	get(target: DialTarget, by: DialAuthority, signal: AbortSignal): Promise<DialGranted> {
		const key = keyOf(target, by)
		const held = this.#held.get(key)
		const now = performance.now()
		if (!held || now >= held.endsAt) return abortable(this.#ask(key, target, by), signal)
		if (now >= held.renewAt) {
			held.renewAt = held.endsAt
			// Refused or unreachable: who connects after the end of this one is told.
			this.#ask(key, target, by, held).catch(() => undefined)
		}
		return abortable(held.granted, signal)
	}

	/** The host does not know it (any more). */
	drop(target: DialTarget, by: DialAuthority): void {
		this.#held.delete(keyOf(target, by))
	}

	/** `until`: what serves while the answer is not there. */
	async #ask(key: string, target: DialTarget, by: DialAuthority, until?: Held): Promise<DialGranted> {
		const asked = this.#request(target, by)
		const first: Held = { granted: asked, renewAt: Number.POSITIVE_INFINITY, endsAt: Number.POSITIVE_INFINITY }
		if (!until) this.#held.set(key, first)
		try {
			const granted = await asked
			const lifeMs = granted.seconds * 1000
			const now = performance.now()
			// Ends a little early: the host's clock began before the answer was here.
			this.#held.set(key, { granted: asked, renewAt: now + lifeMs / 2, endsAt: now + lifeMs * 0.9 })
			this.#expire(now)
			return granted
		} catch (thrown) {
			if (this.#held.get(key) === first) this.#held.delete(key)
			throw thrown
		}
	}

	async #request({ peerId, workloadId, replica, container }: DialTarget, by: DialAuthority): Promise<DialGranted> {
		const dial: DialCommand = { kind: 'dial', workloadId, replica, container, certificate: this.#modules.own }
		if (by.kind === 'gateway') return this.#modules.ask(peerId, { dial, authority: null })
		const grant = await by.authority.grant(dial, peerId)
		return this.#modules.ask(peerId, { dial, authority: { credential: by.authority.credential, grant } })
	}

	#expire(now: number): void {
		for (const [key, { endsAt }] of this.#held) if (endsAt < now) this.#held.delete(key)
	}
}

function keyOf({ peerId, workloadId, replica, container }: DialTarget, by: DialAuthority): string {
	const who = by.kind === 'gateway' ? 'gateway' : by.authority.credential
	return `${peerId} ${workloadId} ${replica} ${container} ${who}`
}
