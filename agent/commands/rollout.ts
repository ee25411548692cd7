import {
	type Command,
	type CommandFrame,
	LatticeError,
	type Member,
	type Placement,
	type Requirements,
	type WireError,
} from '../protocol/index.ts'
import { place } from '../scheduler/place.ts'
import type { Authority } from './authority.ts'
import type { Directory } from './directory.ts'
import { mergeIterables } from './merge.ts'
import { joinResults, type ResultFrame } from './results.ts'
import type { Sender } from './sender.ts'

export interface RolloutModules {
	peerId: string
	directory: Pick<Directory, 'nodes'>
	sender: Sender
}

/** What is the same for every host: the order of the person, and its reservation. */
export interface RolloutOrder {
	workloadId: string
	owner: string
	name: string
	type: string
	config: unknown
	requirements: Requirements
	/** of the deployment: a host that is new to the workload gets it */
	commandId: string
	/** JWT */
	claim: string
}

export interface RolloutStart {
	/** the replica indexes that shall run */
	wanted: number[]
	/** peer id → indexes that it has and keeps */
	holders: ReadonlyMap<string, readonly number[]>
	/** of the newest placement so far; each round of placing is a newer one */
	generation: number
	/** begins the ids of the orders that change what holders have, one a generation */
	scaleId: string
}

export type Refusal = Placement['rejected'][number]
type NodeName = Pick<Member, 'peerId' | 'name'>

/**
 * Puts replicas on hosts until each has one: places, asks all chosen hosts, and places again what was refused, without
 * those that refused. What a host has taken stays where it is.
 */
export class Rollout {
	readonly #modules: RolloutModules

	constructor(modules: RolloutModules) {
		this.#modules = modules
	}

	/** Frames of all hosts, then one result of all, or the first error. Throws NO_NODE_FITS. */
	async *run(
		authority: Authority,
		order: RolloutOrder,
		start: RolloutStart,
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		const holders = new Map([...start.holders].map(([peerId, indexes]) => [peerId, [...indexes]]))
		const refused: Refusal[] = []
		let { generation } = start
		let result: ResultFrame | null = null
		for (;;) {
			const missing = start.wanted.filter((index) => ![...holders.values()].flat().includes(index))
			if (missing.length === 0) break
			const fresh = this.decide(order, missing, refused)
			if (fresh.chosen.length < missing.length) throw noNodeFits(fresh)
			const placement = { ...fresh, chosen: [...this.#kept(holders), ...fresh.chosen].sort(byReplica) }
			const groups = Map.groupBy(fresh.chosen, ({ node }) => node.peerId)
			if ([...groups.keys()].some((peerId) => holders.has(peerId))) generation += 1
			const tries = [...groups].map(([peerId, chosen]) => {
				const added = chosen.map(({ replica }) => replica)
				const command = commandFor(order, placement, {
					added,
					had: holders.get(peerId),
					generation,
					scaleId: start.scaleId,
				})
				return this.#modules.sender.attempt(authority, peerId, command, signal)
			})
			const turnedDown = new Set<string>()
			for await (const { peerId, frame } of mergeIterables(tries)) {
				if (frame.type === 'error' && isRefusal(frame.error)) {
					turnedDown.add(peerId)
					refused.push({ node: this.#nodeName(peerId), reason: frame.error.message })
				} else if (frame.type === 'result') result = joinResults(result, frame)
				else yield frame
				if (frame.type === 'error' && !isRefusal(frame.error)) return
			}
			for (const [peerId, chosen] of groups) {
				if (turnedDown.has(peerId)) continue
				holders.set(peerId, [...(holders.get(peerId) ?? []), ...chosen.map(({ replica }) => replica)])
			}
		}
		if (result) yield result
	}

	/** Who would get these replicas, by this node's view. */
	decide(
		order: Pick<RolloutOrder, 'workloadId' | 'owner' | 'requirements'>,
		replicas: number[],
		refused: readonly Refusal[] = [],
	): Placement {
		const { directory, peerId } = this.#modules
		const away = new Set(refused.map(({ node }) => node.peerId))
		const placement = place({
			requirements: order.requirements,
			nodes: directory.nodes().filter(({ status }) => !away.has(status.peerId)),
			owner: order.owner,
			workloadId: order.workloadId,
			replicas,
			by: peerId,
			at: new Date().toISOString(),
		})
		return { ...placement, rejected: [...placement.rejected, ...refused] }
	}

	#kept(holders: ReadonlyMap<string, readonly number[]>): Placement['chosen'] {
		return [...holders].flatMap(([peerId, indexes]) =>
			indexes.map((replica) => ({ replica, node: this.#nodeName(peerId) })),
		)
	}

	#nodeName(peerId: string): NodeName {
		const view = this.#modules.directory.nodes().find(({ status }) => status.peerId === peerId)
		return { peerId, name: view?.status.name ?? peerId }
	}
}

/** A host that is new to the workload gets the deployment itself; one that knows it, its whole new list. */
function commandFor(
	order: RolloutOrder,
	placement: Placement,
	how: { added: number[]; had: readonly number[] | undefined; generation: number; scaleId: string },
): Command {
	const { workloadId, commandId, name, type, config, claim } = order
	const { added, had, generation, scaleId } = how
	if (had) {
		const replicas = [...had, ...added].sort((a, b) => a - b)
		return { kind: 'scale', commandId: `${scaleId}-${generation}`, workloadId, generation, replicas, placement }
	}
	return { kind: 'deploy', commandId, workloadId, name, type, config, generation, replicas: added, placement, claim }
}

/** The host took nothing, so the next candidate may be asked: its own state is why, or the order never reached it. */
function isRefusal({ code, facts }: WireError): boolean {
	if (code === 'HOST_UNREACHABLE') return facts.sent !== true
	return code === 'NODE_REFUSED' || code === 'ENGINE_UNAVAILABLE'
}

function byReplica(a: { replica: number }, b: { replica: number }): number {
	return a.replica - b.replica
}

export function noNodeFits(placement: Placement): LatticeError {
	const rejected = placement.rejected.map(({ node, reason }) => ({ node: node.name, reason }))
	const why = rejected.map(({ node, reason }) => `${node}: ${reason}`).join('; ')
	return new LatticeError(
		'NO_NODE_FITS',
		`No node can run this${why ? ` (${why})` : ': the lattice has no node'}. Ask for less, or add a node.`,
		{ rejected },
	)
}
