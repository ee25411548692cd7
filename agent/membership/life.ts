import type { Signed, Statement, Version } from '../protocol/index.ts'
import type { Rumour } from './events.ts'
import { isNewer } from './record-table.ts'
import type { Roster } from './roster.ts'
import type { RumourQueue } from './rumour-queue.ts'

/** Many doubts about one silence arrive together; they are one doubt. */
const REFUTATION_PAUSE_MS = 200

/** What this node says about itself, and the incarnation that makes it count. */
export class Life {
	readonly #roster: Roster
	readonly #queue: RumourQueue
	readonly #sign: (statement: Statement) => Signed
	#incarnation: number
	#refutedAt = Number.NEGATIVE_INFINITY

	constructor(incarnation: number, modules: { roster: Roster; queue: RumourQueue; sign: (s: Statement) => Signed }) {
		this.#incarnation = incarnation
		this.#roster = modules.roster
		this.#queue = modules.queue
		this.#sign = modules.sign
	}

	get incarnation(): number {
		return this.#incarnation
	}

	/** Of the newest own status; (0, 0) for an observer that has none. */
	get version(): Version {
		return this.#roster.records.version(this.#roster.self) ?? [0, 0]
	}

	sign(statement: Statement): Signed {
		return this.#sign(statement)
	}

	/** Somebody holds this incarnation for gone: a higher one refutes it everywhere. An older or invented one is nothing. */
	doubted(incarnation: number, now: number): void {
		if (incarnation !== this.#incarnation || now - this.#refutedAt < REFUTATION_PAUSE_MS) return
		this.#refutedAt = now
		this.#rise(incarnation + 1)
		this.#say({ kind: 'alive', incarnation: this.#incarnation })
	}

	/** Others have a status of an earlier life that is newer than this one's: the stored incarnation was lost. */
	outlive(version: Version): void {
		if (isNewer(version, this.version) && version[0] >= this.#incarnation) this.#rise(version[0] + 1)
	}

	leave(to: readonly string[]): void {
		const { signed } = this.#say({ kind: 'left', incarnation: this.#incarnation })
		for (const peerId of to) {
			this.#roster.send(peerId, { kind: 'records', records: [], rumours: [signed], doubted: [], wanted: [] })
		}
	}

	#rise(incarnation: number): void {
		this.#incarnation = incarnation
		this.#roster.effect({ kind: 'incarnation', incarnation })
	}

	#say(statement: Rumour['statement']): Rumour {
		const rumour = { statement, subject: this.#roster.self, signed: this.#sign(statement) }
		this.#queue.add(rumour)
		this.#roster.publish({ kind: 'rumour', signed: rumour.signed })
		return rumour
	}
}
