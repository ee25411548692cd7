import type { Trust } from '../identity/index.ts'
import type { Certified } from '../membership/index.ts'
import { CLOCK_LEEWAY_S, LatticeError, type StatusRecord } from '../protocol/index.ts'

/** Certificates remembered; a lattice has far fewer. */
const REMEMBERED = 4096

interface Verified {
	certificate: string
	certified: Certified
	/** seconds since the epoch */
	expiresAt: number
}

/**
 * The certificates that statuses carry, verified once: the door asks without waiting, and a status changes a thousand
 * times as often as its certificate.
 */
export class MemberCertificates {
	readonly #trust: Trust
	readonly #verified = new Map<string, Verified>()

	constructor(trust: Trust) {
		this.#trust = trust
	}

	/** Verifies what is new, before the door is asked. */
	async learn(records: readonly StatusRecord[]): Promise<void> {
		for (const { certificate, signed } of records) {
			if (this.#verified.get(signed.by)?.certificate !== certificate) await this.#verify(certificate, signed.by)
		}
	}

	certified(certificate: string, peerId: string): Certified | null {
		const verified = this.#verified.get(peerId)
		if (verified?.certificate !== certificate) return null
		return verified.expiresAt + CLOCK_LEEWAY_S < Date.now() / 1000 ? null : verified.certified
	}

	/** Something was revoked: nothing that was verified before counts. */
	clear(): void {
		this.#verified.clear()
	}

	async #verify(certificate: string, peerId: string): Promise<void> {
		try {
			const claims = await this.#trust.verifyMembership(certificate, { peerId })
			// A user's device has no status.
			if (claims.role === 'device') return
			const { name, labels, gateway, expiresAt } = claims
			this.#verified.delete(peerId)
			this.#verified.set(peerId, { certificate, certified: { name, labels, gateway }, expiresAt })
			const oldest = this.#verified.keys().next()
			if (this.#verified.size > REMEMBERED && !oldest.done) this.#verified.delete(oldest.value)
		} catch (thrown) {
			// Refused, whatever the reason: the door will not find it. Anything else is a fault of this node.
			if (!(thrown instanceof LatticeError)) throw thrown
		}
	}
}
