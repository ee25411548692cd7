import type { z } from 'zod'
import {
	type Command,
	LatticeError,
	LIMITS,
	type LogLine,
	type Probed,
	type Sample,
	type StatsSample,
} from '../../agent/protocol/index.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { WorkloadRecord } from '../models/workload.server.ts'
import { type HostCommands, unreachable } from './host-commands.server.ts'
import { mergeAsync } from './merge-async.ts'
import type { Actor } from './services.ts'
import type { LogsInput } from './workload-inputs.ts'

const LOGS_TIMEOUT_MS = 15_000

type Logs = z.infer<typeof LogsInput>

export interface WorkloadReadsModules {
	fleet: Pick<Fleet, 'isReachable' | 'views' | 'routes'>
	commands: HostCommands
}

/** Reads that only the hosts can answer; of a workload on several hosts all at once. */
export class WorkloadReads {
	readonly #modules: WorkloadReadsModules

	constructor(modules: WorkloadReadsModules) {
		this.#modules = modules
	}

	/** The newest lines of all replicas together, oldest first. */
	async logs(actor: Actor, record: WorkloadRecord, input: Logs): Promise<LogLine[]> {
		const lines: LogLine[] = []
		const signal = AbortSignal.timeout(LOGS_TIMEOUT_MS)
		for await (const batch of this.#logs(actor, record, input, false, signal)) lines.push(...batch)
		lines.sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)))
		return input.lines === 0 ? [] : lines.slice(-input.lines)
	}

	/** From a node that serves the endpoint neither as host nor as gateway, if one is there: others come from elsewhere too. */
	async probe(actor: Actor, record: WorkloadRecord, url: string): Promise<Probed> {
		const { fleet, commands } = this.#modules
		const via = fleet.routes(record.id).find((endpoint) => endpoint.url === url)?.via?.peerId
		const serving = new Set([via, ...record.assignments.map(({ peerId }) => peerId)])
		const there = fleet
			.views()
			.filter(({ status, liveness }) => liveness === 'alive' && fleet.isReachable(status.peerId))
		const from =
			there.find(({ status }) => !serving.has(status.peerId)) ?? there.find(({ status }) => status.peerId !== via)
		const { peerId, name } = (from ?? there[0])?.status ?? {}
		if (peerId === undefined || name === undefined)
			throw new LatticeError('HOST_UNREACHABLE', 'No node answers that could dial it; look at the nodes.')
		const { measured } = await commands.result(actor.userId, peerId, { kind: 'probe', workloadId: record.id, url })
		if (measured === null) throw new LatticeError('PROTOCOL_ERROR', `${name} did not say what it measured; update it.`)
		return { ...measured, url, from: { peerId, name }, isElsewhere: !serving.has(peerId) }
	}

	allLogs(actor: Actor, record: WorkloadRecord, signal: AbortSignal): AsyncIterable<LogLine[]> {
		return this.#logs(actor, record, { id: record.id, lines: LIMITS.logLines }, false, signal)
	}

	followLogs(actor: Actor, record: WorkloadRecord, input: Logs, signal: AbortSignal): AsyncIterable<LogLine[]> {
		return this.#logs(actor, record, input, true, signal)
	}

	async *stats(actor: Actor, record: WorkloadRecord, signal: AbortSignal): AsyncIterable<StatsSample[]> {
		const command = { kind: 'stats', workloadId: record.id, follow: true } as const
		for await (const frame of this.#fromAll(actor, record, command, signal)) {
			if (frame.type === 'stats') yield frame.samples
		}
	}

	async *samples(actor: Actor, record: WorkloadRecord, command: Command, signal: AbortSignal): AsyncIterable<Sample[]> {
		for await (const frame of this.#fromAll(actor, record, command, signal)) {
			if (frame.type === 'samples') yield frame.samples
		}
	}

	async *#logs(
		actor: Actor,
		record: WorkloadRecord,
		input: Logs,
		follow: boolean,
		signal: AbortSignal,
	): AsyncIterable<LogLine[]> {
		const replica = input.replica ?? null
		const command = { kind: 'logs', workloadId: record.id, replica, tail: input.lines, follow } as const
		for await (const frame of this.#fromAll(actor, record, command, signal)) {
			if (frame.type === 'logs') yield frame.lines
		}
	}

	async *#fromAll(actor: Actor, record: WorkloadRecord, command: Command, signal: AbortSignal) {
		const { fleet, commands } = this.#modules
		const holders = record.assignments.filter(({ state, ordered }) => state === 'taken' && ordered.length > 0)
		const away = holders.find(({ peerId }) => !fleet.isReachable(peerId))
		if (away) throw unreachable(away.nodeName)
		const sources = holders.map(({ peerId }) => commands.frames(actor.userId, peerId, command, signal))
		try {
			for await (const frame of mergeAsync(sources)) {
				if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
				yield frame
			}
		} catch (error) {
			// Who asked has gone: an end, not a failure. A read that took too long is one.
			if (!signal.aborted) throw error
			if (signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError') {
				throw new LatticeError('TIMEOUT', 'The host did not answer in time. Try again in a moment.')
			}
		}
	}
}
