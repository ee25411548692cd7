import type { z } from 'zod'
import {
	type GossipMessage,
	NodeStatus,
	type ProbeMessage,
	type Signed,
	type SnapshotMessage,
	Statement,
	type StatusRecord,
} from '../protocol/index.ts'
import type { Incoming, Rumour, StatusEntry } from './events.ts'

/** What an issuer has certified of a member; its own words about these do not count. */
export interface Certified {
	name: string
	labels: Record<string, string>
	gateway: boolean
}

export interface DoorModules {
	isGood(signed: Signed): boolean
	/** whether this peer has shown, here or in a record, a certificate that is valid now */
	isMember(peerId: string): boolean
	/** null unless the certificate is valid and belongs to that peer */
	certified(certificate: string, peerId: string): Certified | null
}

/** Something that no honest member does; the adapter logs and counts it under the name of `by`. */
export interface Offence {
	by: string
	reason: string
}

export interface Opened {
	/** null when nothing is left to act on */
	message: Incoming | null
	offences: Offence[]
}

/**
 * The one place where words of others come in: each is opened, its author proven, and whatever an author may not say is
 * left outside with a note of who brought it. Behind the door nobody asks again.
 */
export class Door {
	readonly #self: string
	readonly #modules: DoorModules

	constructor(self: string, modules: DoorModules) {
		this.#self = self
		this.#modules = modules
	}

	open(from: string, message: ProbeMessage | SnapshotMessage | GossipMessage): Opened {
		const offences: Offence[] = []
		return { message: this.#open(from, message, offences), offences }
	}

	#open(from: string, message: ProbeMessage | SnapshotMessage | GossipMessage, offences: Offence[]): Incoming | null {
		switch (message.kind) {
			case 'probe':
			case 'ack':
				return { ...message, rumours: this.#rumours(from, message.rumours, offences) }
			case 'ack-for': {
				const incarnation = this.#answer(from, message.answer, message, offences)
				return incarnation === null ? null : { kind: 'ack-for', id: message.id, target: message.target, incarnation }
			}
			case 'records': {
				const { doubted, wanted } = message
				const entries = message.records.flatMap((record) => this.#entry(from, record, offences) ?? [])
				return { kind: 'records', entries, doubted, wanted, rumours: this.#rumours(from, message.rumours, offences) }
			}
			case 'status': {
				const entry = this.#entry(from, message.record, offences)
				return entry && { kind: 'status', entry }
			}
			case 'rumour': {
				const rumour = this.#rumour(from, message.signed, offences)
				return rumour && { kind: 'rumour', rumour }
			}
			default:
				return message
		}
	}

	#rumours(from: string, rumours: readonly Signed[] | undefined, offences: Offence[]): Rumour[] {
		return (rumours ?? []).flatMap((signed) => this.#rumour(from, signed, offences) ?? [])
	}

	#rumour(from: string, signed: Signed, offences: Offence[]): Rumour | null {
		const statement = this.#said(from, signed, Statement, offences)
		if (statement === null) return null
		// A member that was removed meanwhile, or that is not known here yet: no offence of the one who passes it on.
		if (!this.#modules.isMember(signed.by)) return null
		if (statement.kind === 'answer') {
			offences.push({ by: from, reason: 'passed on an answer to a probe as a rumour' })
			return null
		}
		const subject = statement.kind === 'suspect' ? statement.subject : signed.by
		return { statement, subject, signed }
	}

	#entry(from: string, record: StatusRecord, offences: Offence[]): StatusEntry | null {
		const { signed, certificate } = record
		const status = this.#said(from, signed, NodeStatus, offences)
		if (status === null) return null
		if (status.peerId !== signed.by) {
			offences.push({ by: signed.by, reason: `published a status of ${status.peerId}` })
			return null
		}
		const certified = this.#modules.certified(certificate, signed.by)
		// The certificate may have ended or been revoked since it was passed on.
		if (certified === null) return null
		return { status: { ...status, ...certified }, record }
	}

	#answer(from: string, signed: Signed, asked: { id: number; target: string }, offences: Offence[]): number | null {
		const answer = this.#said(from, signed, Statement, offences)
		if (answer === null) return null
		const fits =
			answer.kind === 'answer' && signed.by === asked.target && answer.asker === this.#self && answer.probe === asked.id
		if (fits) return answer.incarnation
		offences.push({ by: from, reason: 'brought an answer to another probe' })
		return null
	}

	/** The signed body, decoded; a bad signature is the doing of whoever passed it on unchecked. */
	#said<T>(from: string, signed: Signed, schema: z.ZodType<T>, offences: Offence[]): T | null {
		if (!this.#modules.isGood(signed)) {
			offences.push({ by: from, reason: `brought words of ${signed.by} that it did not sign` })
			return null
		}
		const parsed = schema.safeParse(jsonOf(signed.body))
		// A newer version may say what this one does not understand: nothing to act on, and nobody's fault.
		return parsed.success ? parsed.data : null
	}
}

function jsonOf(body: string): unknown {
	try {
		return JSON.parse(body)
	} catch (cause) {
		if (cause instanceof SyntaxError) return undefined
		throw cause
	}
}
