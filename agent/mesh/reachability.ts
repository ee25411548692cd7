/** Asked again after this: a firewall may have been opened, a port forwarding lost. */
const RECHECK_REACHED_MS = 10 * 60_000
const RECHECK_MISSED_MS = 60_000

interface Finding {
	reached: boolean
	at: number
}

/** What the members that this node is connected with found when they dialled it. */
export class Reachability {
	readonly #findings = new Map<string, Finding>()

	found(peerId: string, reached: boolean, now: number): void {
		this.#findings.set(peerId, { reached, at: now })
	}

	/** Only of those that are there now: the others would be asked for nothing. */
	keep(peerIds: ReadonlySet<string>): void {
		for (const peerId of this.#findings.keys()) if (!peerIds.has(peerId)) this.#findings.delete(peerId)
	}

	/** This machine has other addresses now. */
	clear(): void {
		this.#findings.clear()
	}

	isDue(peerId: string, now: number): boolean {
		const finding = this.#findings.get(peerId)
		if (!finding) return true
		return now - finding.at > (finding.reached ? RECHECK_REACHED_MS : RECHECK_MISSED_MS)
	}

	/** Most can dial it: it is of use as a relay. One that cannot may have a firewall of its own. */
	get isReachable(): boolean {
		const reached = this.#count(true)
		return reached > 0 && reached > this.#count(false)
	}

	/** Somebody cannot dial it; the price of a place at a relay that is not needed is nothing. */
	get needsRelay(): boolean {
		return this.#count(false) > 0
	}

	#count(reached: boolean): number {
		return [...this.#findings.values()].filter((finding) => finding.reached === reached).length
	}
}
