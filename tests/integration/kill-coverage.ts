import { type JournalPhase, PHASES } from './kill-journal.ts'
import { VICTIMS, type Victim } from './kill-victims.ts'

/** Aimed at; `created` lasts for one write and is counted when it happens. */
const AIMS = PHASES.filter((phase) => phase !== 'created')
const HITS = 3

/** Which process was killed while a deployment was in which phase, and how often. */
export class Coverage {
	readonly #counts = new Map<string, number>()

	hit(victim: Victim, phase: JournalPhase): void {
		this.#counts.set(`${victim} ${phase}`, this.#count(victim, phase) + 1)
	}

	/** Phases in which this victim was not killed often enough, the rarest first. */
	missing(victim: Victim): JournalPhase[] {
		return AIMS.filter((phase) => this.#count(victim, phase) < HITS).sort(
			(a, b) => this.#count(victim, a) - this.#count(victim, b),
		)
	}

	get complete(): boolean {
		return VICTIMS.every((victim) => this.missing(victim).length === 0)
	}

	table(): string {
		const cells = [['', ...PHASES], ...VICTIMS.map((victim) => [victim, ...PHASES.map((p) => this.#count(victim, p))])]
		return cells
			.map((row) =>
				row
					.map((cell) => String(cell).padEnd(11))
					.join('')
					.trimEnd(),
			)
			.join('\n')
	}

	#count(victim: Victim, phase: JournalPhase): number {
		return this.#counts.get(`${victim} ${phase}`) ?? 0
	}
}

/** mulberry32: the seed gives the same trials again, though not the same scheduling of processes. */
export function seeded(seed: number): (below: number) => number {
	let state = seed
	return (below) => {
		state = (state + 0x6d2b79f5) | 0
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
		return ((mixed ^ (mixed >>> 14)) >>> 0) % below
	}
}
