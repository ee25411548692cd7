import type { SnapshotMessage, Version } from '../protocol/index.ts'
import { LIMITS } from '../protocol/index.ts'
import type { StatusEntry } from './events.ts'
import { isNewer, versionOf } from './record-table.ts'
import type { Roster } from './roster.ts'

type Sync = Extract<SnapshotMessage, { kind: 'sync' }>

/** Bytes of records in one frame; several frames follow each other when there is more. */
const FRAME_BUDGET = LIMITS.frameBytes / 4
/** A rejoin opens many connections at once: the first brings nearly everything, and whoever is still unknown is asked. */
const BURST_MS = 1_000

/**
 * Anti-entropy: each side says which versions it has and gets what is newer, so a newcomer knows all members after one
 * round trip, and whatever gossip lost is found. Records are their authors' own, so it matters little who hands them over.
 */
export class Synchroniser {
	readonly #roster: Roster
	readonly #random: () => number
	readonly #askedAt = new Map<string, number>()
	#startedAt = Number.NEGATIVE_INFINITY
	#dueAt: number

	constructor(now: number, modules: { roster: Roster; random: () => number }) {
		this.#roster = modules.roster
		this.#random = modules.random
		this.#dueAt = now + modules.roster.timing.syncInterval * modules.random()
	}

	nextAt(): number {
		return this.#dueAt
	}

	shift(late: number): void {
		this.#dueAt += late
	}

	tick(now: number): void {
		if (now < this.#dueAt) return
		const able = this.#roster.alive()
		const chosen = able[Math.floor(this.#random() * able.length)]
		if (chosen) this.#begin(chosen.peerId, now)
		else this.completed(false, now)
	}

	connected(peerId: string, now: number): void {
		if (now - this.#startedAt >= BURST_MS) {
			this.#begin(peerId, now)
			return
		}
		this.#dueAt = Math.min(this.#dueAt, now + this.#roster.timing.syncRetry)
		if (this.#roster.records.get(peerId) === undefined) this.#ask(peerId, now)
	}

	/** An answer came. One that held news was given by somebody who may be learning too: look again soon. */
	completed(news: boolean, now: number): void {
		const { syncInterval, syncRetry } = this.#roster.timing
		this.#dueAt = now + (news ? syncRetry : syncInterval) * (0.9 + 0.2 * this.#random())
	}

	/** The author has a newer status than the one known here: gossip lost it. */
	missed(author: string, version: Version, now: number): void {
		if (isNewer(version, this.#roster.records.version(author))) this.#ask(author, now)
	}

	answer(from: string, sync: Sync): void {
		const { records, members } = this.#roster
		const newer: StatusEntry[] = []
		for (const entry of records.values()) {
			const { peerId } = entry.status
			const theirs = sync.versions[peerId]
			if (sync.scope === 'listed' && theirs === undefined) continue
			if (isNewer(versionOf(entry), theirs)) newer.push(entry)
		}
		if (sync.scope === 'listed') {
			this.#sendRecords(from, newer, {})
			return
		}
		const wanted = Object.entries(sync.versions)
			.filter(([peerId, version]) => isNewer(version, records.version(peerId)))
			.map(([peerId]) => peerId)
			.slice(0, LIMITS.members)
		const rumours = [...members.values()].flatMap(({ farewell }) => (farewell ? [farewell.signed] : []))
		this.#sendRecords(from, newer, { wanted, rumours, doubted: this.#roster.doubted() })
	}

	give(to: string, wanted: readonly string[]): void {
		const { records } = this.#roster
		const entries = wanted.flatMap((peerId) => records.get(peerId) ?? [])
		if (entries.length > 0) this.#sendRecords(to, entries, {})
	}

	forget(peerId: string): void {
		this.#askedAt.delete(peerId)
	}

	/** The author for its own status, and nothing else. */
	#ask(author: string, now: number): void {
		const askedAt = this.#askedAt.get(author) ?? Number.NEGATIVE_INFINITY
		if (now - askedAt < this.#roster.timing.syncRetry) return
		this.#askedAt.set(author, now)
		const known = this.#roster.records.version(author) ?? [0, 0]
		this.#roster.send(author, { kind: 'sync', scope: 'listed', versions: { [author]: known }, doubted: [] })
	}

	#begin(peerId: string, now: number): void {
		this.#startedAt = now
		this.#dueAt = now + this.#roster.timing.syncRetry
		const versions = this.#roster.records.versions()
		this.#roster.send(peerId, { kind: 'sync', scope: 'all', versions, doubted: this.#roster.doubted() })
	}

	/** What is not records goes with the last frame: doubts about a member are understood only when it is known. */
	#sendRecords(
		to: string,
		entries: readonly StatusEntry[],
		rest: Partial<Omit<Extract<SnapshotMessage, { kind: 'records' }>, 'kind' | 'records'>>,
	): void {
		let batch: StatusEntry[] = []
		let bytes = 0
		const nothing = { rumours: [], doubted: [], wanted: [] }
		for (const entry of entries) {
			const size = entry.record.signed.body.length + entry.record.certificate.length
			if (batch.length > 0 && bytes + size > FRAME_BUDGET) {
				this.#roster.send(to, { kind: 'records', records: batch.map(({ record }) => record), ...nothing })
				batch = []
				bytes = 0
			}
			batch.push(entry)
			bytes += size
		}
		this.#roster.send(to, { kind: 'records', records: batch.map(({ record }) => record), ...nothing, ...rest })
	}
}
