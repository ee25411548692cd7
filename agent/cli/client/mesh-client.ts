import { setTimeout as sleep } from 'node:timers/promises'
import type { Entry } from '../../commands/entry.ts'
import { resultOf } from '../../commands/results.ts'
import { Sender } from '../../commands/sender.ts'
import {
	type CommandFrame,
	type CommandResult,
	LatticeError,
	type LogLine,
	type Workload,
	type WorkloadEvent,
	type WorkloadReport,
} from '../../protocol/index.ts'
import type { Device } from '../config.ts'
import type { Home } from '../home.ts'
import { readIfThere } from '../private-file.ts'
import { needsConsole } from './agent-client.ts'
import type { Lattice } from './lattice.ts'
import { openMeshEntry } from './mesh-entry.ts'

/** After a host took an order, until its report of it is here. */
const REPORT_MS = 5_000

/**
 * The lattice with no console: this process joins the mesh as a client peer with its device certificate, learns from
 * the agents what they hold, and is an entry of its own. It places by the same rules and signs each command with the
 * device's key, so that the agents need not trust it with anything.
 */
export async function meshClient(home: Home, device: Device): Promise<Lattice> {
	const seed = readIfThere(home.file('device.key'))?.trim()
	if (!seed)
		throw new LatticeError('UNAUTHENTICATED', 'The key of this device is gone; log in again when the console is back.')
	const { peer, authority, directory, gatherer, entry } = await openMeshEntry(device, seed)
	const never = new AbortController().signal
	const current = async (id: string): Promise<Workload> => {
		await gatherer.refresh()
		const report = entry.resolve(authority, id)
		const result = await entry.get(authority, report.id, true, never)
		return entry.view(result.report ?? report, result.credentials)
	}

	return {
		where: 'the mesh',
		deploy: async (order) => accepted(entry, entry.deploy(authority, order, never), current),
		dryRun: async (draft) => entry.dryRun(authority, draft),
		list: async () => entry.list(authority).map((report) => entry.view(report)),
		get: current,
		change: async (verb, id, commandId) =>
			workloadFrom(entry, await resultOf(entry.change(authority, verb, id, commandId, never))),
		delete: async (id, { commandId, keepData }) => {
			const report = entry.resolve(authority, id)
			await resultOf(entry.remove(authority, report.id, !keepData, commandId, never))
			return { ...entry.view(report), status: 'deleting' }
		},
		scale: async (id, replicas) => workloadFrom(entry, await resultOf(entry.scale(authority, id, { replicas }, never))),
		explain: async (id) => entry.resolve(authority, id).placement,
		events: (id, signal) => eventsOf(entry.read(authority, { kind: 'events', workloadId: id, follow: true }, signal)),
		logs: async (id, lines) => {
			const command = { kind: 'logs', workloadId: id, replica: null, tail: lines, follow: false } as const
			const all: LogLine[] = []
			for await (const batch of logsOf(entry.read(authority, command, never))) all.push(...batch)
			return all.sort((a, b) => (a.at < b.at ? -1 : 1)).slice(-lines)
		},
		followLogs: (id, lines, signal) =>
			logsOf(entry.read(authority, { kind: 'logs', workloadId: id, replica: null, tail: lines, follow: true }, signal)),
		exec: async function* ({ id, replica, ...order }, input, signal) {
			await gatherer.refresh()
			const host = holderOf(directory.of(id), replica)
			const command = { kind: 'exec', workloadId: id, replica, ...order } as const
			yield* peer.exec(host, await Sender.signed(authority, host, command), input, { signal })
		},
		nodes: async () => entry.nodes(),
		usage: () => entry.usage(authority),
		removeNode: () => Promise.reject(needsConsole('the removal of nodes')),
		probe: () => Promise.reject(needsConsole('the test of an endpoint by another node')),
		rotateSecrets: () => Promise.reject(needsConsole('the rotation of its keys')),
		ngrok: () => Promise.reject(needsConsole('settings')),
		setNgrok: () => Promise.reject(needsConsole('settings')),
		invite: () => Promise.reject(needsConsole('invites')),
		close: () => peer.stop(),
	}
}

/** The host of that replica, or the first that has any. */
function holderOf(reports: WorkloadReport[], replica: number | null): string {
	const holder = reports.find(({ replicas }) => replicas.some(({ index }) => replica === null || index === replica))
	if (holder) return holder.node.peerId
	throw new LatticeError('WRONG_STATE', 'No node that answers runs it; start the workload, then try again.')
}

/** Taken as soon as the host tells of it; the host goes on when this stream is left. */
async function accepted(
	entry: Entry,
	frames: AsyncIterable<CommandFrame>,
	current: (id: string) => Promise<Workload>,
): Promise<Workload> {
	for await (const frame of frames) {
		if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
		if (frame.type === 'result') return workloadFrom(entry, frame.result)
		if (frame.type === 'event') return reported(frame.event.workloadId, current)
	}
	throw new LatticeError('HOST_UNREACHABLE', 'The host went away before it took the order; ask again.')
}

async function reported(id: string, current: (id: string) => Promise<Workload>): Promise<Workload> {
	const deadline = Date.now() + REPORT_MS
	for (;;) {
		try {
			return await current(id)
		} catch (error) {
			const early = error instanceof LatticeError && error.code === 'NOT_FOUND' && Date.now() < deadline
			if (!early) throw error
		}
		await sleep(50)
	}
}

function workloadFrom(entry: Entry, result: CommandResult): Workload {
	if (!result.report) throw new LatticeError('PROTOCOL_ERROR', 'The host answered without a report of the workload.')
	return entry.view(result.report, result.credentials)
}

async function* eventsOf(frames: AsyncIterable<CommandFrame>): AsyncGenerator<WorkloadEvent> {
	for await (const frame of frames) {
		if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
		if (frame.type === 'event') yield frame.event
	}
}

async function* logsOf(frames: AsyncIterable<CommandFrame>): AsyncGenerator<LogLine[]> {
	for await (const frame of frames) {
		if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
		if (frame.type === 'logs') yield frame.lines
	}
}
