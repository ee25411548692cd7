/**
 * Randomised round-robin (SWIM, section 4.3): everybody once in each round, in an order of its own at each node, so that
 * the time to the next turn of a member is bounded and nodes do not fall into step.
 */
export class Rotation {
	readonly #random: () => number
	#round: string[] = []

	constructor(random: () => number) {
		this.#random = random
	}

	/** The next of `candidates`, or undefined when there is none. Newcomers come into the next round, the gone are skipped. */
	next(candidates: ReadonlySet<string>): string | undefined {
		if (candidates.size === 0) return undefined
		while (true) {
			const peerId = this.#round.pop()
			if (peerId === undefined) this.#round = shuffled([...candidates], this.#random)
			else if (candidates.has(peerId)) return peerId
		}
	}
}

/** Fisher and Yates; in place. */
export function shuffled<T>(items: T[], random: () => number): T[] {
	for (let i = items.length - 1; i > 0; i--) {
		const j = Math.floor(random() * (i + 1))
		const swapped = items[i] as T
		items[i] = items[j] as T
		items[j] = swapped
	}
	return items
}
