import { type Command, type CommandFrame, type CommandResult, LatticeError } from '../../agent/protocol/index.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Authority } from './authority.server.ts'

/** A host that is there accepts or refuses within this: it only has to journal the order. */
const ACCEPT_TIMEOUT_MS = 10_000
const READ_TIMEOUT_MS = 10_000

export type Acceptance =
	| { outcome: 'accepted' }
	/** the host has nothing of this order */
	| { outcome: 'refused'; error: LatticeError }
	/** asked, and no answer came: it may have the order */
	| { outcome: 'unknown'; error: LatticeError }

export interface HostCommandsModules {
	fleet: Pick<Fleet, 'send' | 'isReachable'>
	authority: Authority
}

/** Commands from the console to one host, in a user's name. */
export class HostCommands {
	readonly #modules: HostCommandsModules

	constructor(modules: HostCommandsModules) {
		this.#modules = modules
	}

	async *frames(userId: string, peerId: string, command: Command, signal?: AbortSignal): AsyncIterable<CommandFrame> {
		const { fleet, authority } = this.#modules
		yield* fleet.send(peerId, await authority.request(userId, peerId, command), signal)
	}

	/** Reads: the one result, or its error. */
	async result(userId: string, peerId: string, command: Command, timeoutMs = READ_TIMEOUT_MS): Promise<CommandResult> {
		const signal = AbortSignal.timeout(timeoutMs)
		try {
			for await (const frame of this.frames(userId, peerId, command, signal)) {
				if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
				if (frame.type === 'result') return frame.result
			}
		} catch (error) {
			throw signal.aborted ? tookTooLong(peerId) : error
		}
		throw tookTooLong(peerId)
	}

	/**
	 * Waits until the host has the order in its journal, no longer: the work is followed by what the host reports.
	 * Leaving the answer early ends the answer, never an accepted order.
	 */
	async order(userId: string, peerId: string, command: Command): Promise<Acceptance> {
		if (!this.#modules.fleet.isReachable(peerId)) return { outcome: 'refused', error: unreachable(peerId) }
		const signal = AbortSignal.timeout(ACCEPT_TIMEOUT_MS)
		try {
			for await (const frame of this.frames(userId, peerId, command, signal)) {
				// Any event or a result is proof of the journal; an error as the first word is a refusal.
				if (frame.type === 'error') return { outcome: 'refused', error: LatticeError.fromWire(frame.error) }
				return { outcome: 'accepted' }
			}
		} catch (thrown) {
			const error = signal.aborted ? tookTooLong(peerId) : LatticeError.from(thrown)
			return { outcome: 'unknown', error }
		}
		return { outcome: 'unknown', error: tookTooLong(peerId) }
	}
}

export function unreachable(node: string): LatticeError {
	return new LatticeError(
		'HOST_UNREACHABLE',
		`${node} does not answer, so nothing was changed. Try again when it is back, or start its agent.`,
		{ node },
	)
}

function tookTooLong(peerId: string): LatticeError {
	return new LatticeError('TIMEOUT', 'The host did not answer in time. Look at the workload again in a moment.', {
		peerId,
	})
}
