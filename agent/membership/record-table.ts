import type { Version } from '../protocol/index.ts'
import type { StatusEntry } from './events.ts'

export function versionOf(entry: StatusEntry): Version {
	return [entry.status.incarnation, entry.status.sequence]
}

/** True when `a` is newer: by incarnation, then by sequence. */
export function isNewer(a: Version, b: Version | undefined): boolean {
	if (b === undefined) return true
	return a[0] !== b[0] ? a[0] > b[0] : a[1] > b[1]
}

/** The newest status of each member, its author's words untouched so that they can be passed on. */
export class RecordTable {
	readonly #entries = new Map<string, StatusEntry>()

	get(peerId: string): StatusEntry | undefined {
		return this.#entries.get(peerId)
	}

	version(peerId: string): Version | undefined {
		const entry = this.#entries.get(peerId)
		return entry && versionOf(entry)
	}

	versions(): Record<string, Version> {
		return Object.fromEntries([...this.#entries].map(([peerId, entry]) => [peerId, versionOf(entry)]))
	}

	values(): IterableIterator<StatusEntry> {
		return this.#entries.values()
	}

	/** True when it was newer than what was known. */
	merge(entry: StatusEntry): boolean {
		const { peerId } = entry.status
		if (!isNewer(versionOf(entry), this.version(peerId))) return false
		this.#entries.set(peerId, entry)
		return true
	}

	delete(peerId: string): void {
		this.#entries.delete(peerId)
	}
}
