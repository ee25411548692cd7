import type { OnReadOpts, Socket } from 'node:net'
import { notFound } from '../../commands/ownership.ts'
import { type DialCommand, LatticeError } from '../../protocol/index.ts'
import type { ContainerRuntime } from '../../runtime/runtime.ts'
import type { Assignment, Assignments, ReplicaRow } from '../../store/assignments.ts'
import type { Changes } from '../../store/changes.ts'
import type { Workloads } from '../../store/workloads.ts'
import { dialTcp } from './tls.ts'

export interface ReplicaSocketsModules {
	runtime: Pick<ContainerRuntime, 'inspect'>
	assignments: Pick<Assignments, 'get' | 'replicas'>
	changes: Pick<Changes, 'on'>
	workloads: Pick<Workloads, 'open'>
	/** default: this machine's */
	platform?: NodeJS.Platform
}

type Target = Pick<DialCommand, 'workloadId' | 'replica' | 'container'>

/** What stands behind a target, as the store says it now. */
export interface Found {
	assignment: Assignment
	row: ReplicaRow
	/** what the owner exposes by */
	expose: readonly string[]
}

const CONNECT_MS = 5_000
const UP: readonly ReplicaRow['status'][] = ['running', 'unhealthy', 'starting']
/** How long an address is believed without asking again, even when nothing was heard of a change. */
const ADDRESS_MS = 2_000
/** The engine's networks are not this machine's own: an engine in a virtual machine. */
const NO_ROUTE = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'])

/**
 * Sockets to the ports of this host's own replicas, and to nothing else: a target names a declared port of a replica that
 * is assigned here, and the address comes from the engine. On Linux it is the container's own, since the published port's
 * docker-proxy alone halves the rate; elsewhere containers are in a virtual machine, and it is the published port.
 */
export class ReplicaSockets {
	readonly #modules: ReplicaSocketsModules
	/** by workload, then by container */
	readonly #addresses = new Map<string, Map<string, { asked: Promise<string | null>; at: number }>>()

	constructor(modules: ReplicaSocketsModules) {
		this.#modules = modules
		// A container that starts again may have another address, and its old one may be another container's.
		modules.changes.on((change) => {
			if (change.kind === 'workload' || change.kind === 'removed') this.#addresses.delete(change.workloadId)
		})
	}

	/** NOT_FOUND for a workload, replica or port that this host does not have. `allow` is asked before any of it is told. */
	find({ workloadId, replica, container }: Target, allow?: (assignment: Assignment) => void): Found {
		const { assignments, workloads } = this.#modules
		const assignment = assignments.get(workloadId)
		if (!assignment || assignment.desired === 'deleted') throw notFound(workloadId)
		allow?.(assignment)
		const row = assignments.replicas(workloadId).find(({ index }) => index === replica)
		if (!row) {
			throw new LatticeError('NOT_FOUND', `This host has no replica ${replica} of ${assignment.name}; look again.`, {
				workloadId,
				replica,
			})
		}
		const { template, config } = workloads.open(assignment)
		const declared = template.ports(config).map((port) => port.container)
		if (!declared.includes(container)) {
			const has = declared.length === 0 ? 'it declares none' : `it declares ${declared.join(', ')}`
			throw new LatticeError('NOT_FOUND', `${assignment.name} has no port ${container}; ${has}.`, {
				workloadId,
				declared,
			})
		}
		return { assignment, row, expose: template.expose(config) }
	}

	/** WRONG_STATE when it does not run or does not listen. */
	async connect(target: Target, signal: AbortSignal, onread?: OnReadOpts): Promise<Socket> {
		const { assignment, row } = this.find(target)
		if (!UP.includes(row.status) || row.containerId === null) {
			throw new LatticeError('WRONG_STATE', `${assignment.name} is ${row.status}; start it first.`, {
				workloadId: target.workloadId,
				status: row.status,
			})
		}
		try {
			return await this.#connect(row, target.container, signal, onread)
		} catch (cause) {
			if (signal.aborted) throw signal.reason
			const sentence = `${assignment.name} accepts no connection at port ${target.container}; look at its log.`
			const facts = { workloadId: target.workloadId, listening: false }
			throw new LatticeError('WRONG_STATE', sentence, facts, { cause })
		}
	}

	async #connect(row: ReplicaRow, container: number, signal: AbortSignal, onread?: OnReadOpts): Promise<Socket> {
		const isLinux = (this.#modules.platform ?? process.platform) === 'linux'
		const address = isLinux ? await this.#addressOf(row) : null
		const published = row.ports.find((port) => port.container === container && port.kind === 'host')
		if (address !== null) {
			try {
				return await open(address, container, signal, onread)
			} catch (error) {
				this.#addresses.delete(row.workloadId)
				if (!published || !hasNoRoute(error)) throw error
			}
		}
		if (!published) throw new Error('it has neither an address nor a published port')
		return open(published.address, published.port, signal, onread)
	}

	/** Remembered for a burst of connections: an inspection takes the engine milliseconds. */
	#addressOf({ workloadId, containerId }: ReplicaRow): Promise<string | null> {
		const id = containerId ?? ''
		const ofWorkload = this.#addresses.get(workloadId) ?? new Map()
		this.#addresses.set(workloadId, ofWorkload)
		const known = ofWorkload.get(id)
		if (known && performance.now() - known.at < ADDRESS_MS) return known.asked
		const asked = this.#modules.runtime.inspect(id).then((container) => container?.address ?? null)
		ofWorkload.set(id, { asked, at: performance.now() })
		return asked
	}
}

async function open(host: string, port: number, signal: AbortSignal, onread?: OnReadOpts): Promise<Socket> {
	const late = AbortSignal.timeout(CONNECT_MS)
	try {
		return await dialTcp({ host, port }, AbortSignal.any([signal, late]), onread)
	} catch (error) {
		throw late.aborted ? Object.assign(new Error('no answer', { cause: error }), { code: 'ETIMEDOUT' }) : error
	}
}

function hasNoRoute(error: unknown): boolean {
	return error instanceof Error && 'code' in error && NO_ROUTE.has(String(error.code))
}
