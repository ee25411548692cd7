import type { Node, Workload, WorkloadEvent } from '../../../agent/protocol/index.ts'
import type { DeletedData } from '../../services/services.ts'
import type { Alert } from '../../services/thresholds.ts'
import type { LiveMessage } from './wire.ts'

export type JoinStep = Pick<Extract<LiveMessage, { type: 'join' }>, 'step' | 'name' | 'peerId'>

export interface LiveState {
	connection: 'connecting' | 'live' | 'reconnecting'
	/** when this browser last heard from the console, by its own clock; null before the first word */
	lastAt: number | null
	/** the console that speaks */
	console: string | null
	/** how many snapshots came: a rise after the first means that there was a gap */
	snapshots: number
	workloads: ReadonlyMap<string, Workload>
	removed: ReadonlySet<string>
	/** of the removed that this page was told of: what became of their volumes */
	deletedData: ReadonlyMap<string, DeletedData>
	nodes: ReadonlyMap<string, Node>
	events: ReadonlyMap<string, readonly WorkloadEvent[]>
	/** by invite: the machine that redeems it, and how far it has come */
	joins: ReadonlyMap<string, JoinStep>
	/** by the id of the node or workload */
	alerts: ReadonlyMap<string, readonly Alert[]>
}

export const NOTHING_YET: LiveState = {
	connection: 'connecting',
	lastAt: null,
	console: null,
	snapshots: 0,
	workloads: new Map(),
	removed: new Set(),
	deletedData: new Map(),
	nodes: new Map(),
	events: new Map(),
	joins: new Map(),
	alerts: new Map(),
}

/** Of one workload: a container that restarts for days makes a history that nobody scrolls through. */
const EVENTS_KEPT = 300

export function applyMessage(state: LiveState, message: LiveMessage): LiveState {
	switch (message.type) {
		case 'hello':
			return { ...state, console: message.console }
		case 'snapshot': {
			const workloads = new Map(message.workloads.map((workload) => [workload.id, workload]))
			const gone = [...state.workloads.keys()].filter((id) => !workloads.has(id))
			const nodes = new Map(message.nodes.map((node) => [node.peerId, node]))
			return {
				...state,
				workloads,
				nodes,
				alerts: Map.groupBy(message.alerts, ({ id }) => id),
				removed: new Set([...state.removed, ...gone]),
				snapshots: state.snapshots + 1,
			}
		}
		case 'workload':
			return { ...state, workloads: new Map(state.workloads).set(message.workload.id, message.workload) }
		case 'removed': {
			const workloads = new Map(state.workloads)
			workloads.delete(message.workloadId)
			return {
				...state,
				workloads,
				removed: new Set(state.removed).add(message.workloadId),
				deletedData: new Map(state.deletedData).set(message.workloadId, message.data),
			}
		}
		case 'alerts':
			return { ...state, alerts: new Map(state.alerts).set(message.id, message.alerts) }
		case 'node':
			return { ...state, nodes: new Map(state.nodes).set(message.node.peerId, message.node) }
		case 'join': {
			const { inviteId, step, name, peerId } = message
			const known = state.joins.get(inviteId)
			// A second machine that tries a used line does not take the place of the one that is in.
			if (known?.step === 'verified' && known.peerId !== peerId) return state
			return { ...state, joins: new Map(state.joins).set(inviteId, { step, name, peerId }) }
		}
		case 'event': {
			const { event } = message
			const kept = mergeEvents(state.events.get(event.workloadId) ?? [], [event]).slice(-EVENTS_KEPT)
			return { ...state, events: new Map(state.events).set(event.workloadId, kept) }
		}
	}
}

/** Both histories in order of time, each event once; of a pull's progress the newest, which is all that it means. */
export function mergeEvents(one: readonly WorkloadEvent[], other: readonly WorkloadEvent[]): WorkloadEvent[] {
	const all = new Map<string, WorkloadEvent>()
	for (const event of [...one, ...other]) {
		const known = all.get(eventKey(event))
		if (!known || event.at >= known.at) all.set(eventKey(event), event)
	}
	return [...all.values()].sort((a, b) => a.at.localeCompare(b.at) || a.seq - b.seq)
}

/** A host numbers its events, except progress, which it does not keep. */
export function eventKey({ node, seq, commandId, replica, progress }: WorkloadEvent): string {
	return progress ? `pull/${node}/${commandId}/${replica}/${progress.image}` : `${node}/${seq}`
}

/** What the loader gave, brought up to date: newest by record time, the removed left out, newcomers added. */
export function mergeWorkloads(loaded: readonly Workload[], state: LiveState): Workload[] {
	const all = new Map(loaded.map((workload) => [workload.id, workload]))
	for (const [id, live] of state.workloads) {
		const known = all.get(id)
		if (!known || live.updatedAt >= known.updatedAt) all.set(id, live)
	}
	for (const id of state.removed) all.delete(id)
	return [...all.values()]
}

const NAMES = new Intl.Collator('en', { numeric: true })

export function mergeNodes(loaded: readonly Node[], state: LiveState): Node[] {
	const all = new Map([...loaded.map((node) => [node.peerId, node] as const), ...state.nodes])
	return [...all.values()].sort((a, b) => NAMES.compare(a.name, b.name))
}

type Listener = () => void

/** Holds the newest state for the page; the connection feeds it. */
export class LiveStore {
	#state = NOTHING_YET
	#listeners = new Set<Listener>()

	getState = (): LiveState => this.#state

	subscribe = (listener: Listener): (() => void) => {
		this.#listeners.add(listener)
		return () => this.#listeners.delete(listener)
	}

	receive(message: LiveMessage, now: number): void {
		this.#set({ ...applyMessage(this.#state, message), connection: 'live', lastAt: now })
	}

	beat(now: number): void {
		this.#set({ ...this.#state, connection: 'live', lastAt: now })
	}

	lost(): void {
		if (this.#state.connection === 'live') this.#set({ ...this.#state, connection: 'reconnecting' })
	}

	#set(state: LiveState): void {
		this.#state = state
		for (const listener of this.#listeners) listener()
	}
}
