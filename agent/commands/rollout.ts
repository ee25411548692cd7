import {
	type ClaimGiven,
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
import { isRefusal } from './claim-check.ts'
import type { ClaimTry } from './claiming.ts'
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
}

export interface RolloutStart {
	/** the replica indexes that shall run */
	wanted: number[]
	/** peer id → indexes that it has and keeps */
	holders: ReadonlyMap<string, readonly number[]>
	/** who shall run it, as decided */
	claim: ClaimGiven
	/** of what the holders were told last */
	generation: number
	/** begins the ids of the orders that change what holders have, one a generation */
	scaleId: string
}

export type Refusal = Placement['rejected'][number]
type NodeName = Pick<Member, 'peerId' | 'name'>

/**
 * Puts replicas on the hosts that were decided on until each has one: asks all of them, and has those decided anew that
 * were refused, without the hosts that refused. What a host has taken stays where it is. Others may do the same with the
 * same order at the same time: they go by the same decisions, and every host takes an order once.
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
		claims: Pick<ClaimTry, 'take' | 'giveBack'>,
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		const holders = new Map([...start.holders].map(([peerId, indexes]) => [peerId, [...indexes]]))
		const refused: Refusal[] = []
		const failed = new Set<string>()
		let { claim, generation } = start
		let result: ResultFrame | null = null
		for (;;) {
			const held = new Set([...holders.values()].flat())
			const groups = Map.groupBy(
				claim.placement.chosen.filter(({ replica }) => start.wanted.includes(replica) && !held.has(replica)),
				({ node }) => node.peerId,
			)
			if ([...groups.keys()].some((peerId) => holders.has(peerId))) generation += 1
			generation = Math.max(generation, claim.generation)
			const tries = [...groups].map(([peerId, chosen]) => {
				const added = chosen.map(({ replica }) => replica)
				const command = commandFor(order, claim, {
					added,
					had: holders.get(peerId),
					generation,
					scaleId: start.scaleId,
				})
				return this.#modules.sender.attempt(authority, peerId, command, signal)
			})
			const turnedDown = new Map<string, WireError>()
			const reported = new Map<string, number[]>()
			for await (const { peerId, frame } of mergeIterables(tries)) {
				if (frame.type === 'error' && isTurnedDown(frame.error)) turnedDown.set(peerId, frame.error)
				else if (frame.type === 'result') {
					result = joinResults(result, frame)
					reported.set(peerId, frame.result.report?.replicas.map(({ index }) => index) ?? [])
				} else yield frame
				if (frame.type === 'error' && !isTurnedDown(frame.error)) return
			}
			for (const [peerId, chosen] of groups) {
				if (turnedDown.has(peerId)) continue
				const had = holders.get(peerId)
				const added = chosen.map(({ replica }) => replica)
				// A host that took this very order from another entry before may have been given fewer replicas then.
				const took = had ? added : added.filter((index) => reported.get(peerId)?.includes(index))
				holders.set(peerId, [...(had ?? []), ...took])
			}
			const kept = new Set([...holders.values()].flat())
			const missing = start.wanted.filter((index) => !kept.has(index))
			if (missing.length === 0) break
			if (turnedDown.size === 0) continue
			for (const [peerId, { message }] of turnedDown) refused.push({ node: this.#nodeName(peerId), reason: message })
			failed.add(claim.decision)
			claim = await this.#decideAgain(order, { missing, holders, refused, turnedDown, claim }, claims)
			// Claimer and witness keep one each: without an end, this would be asked and refused for ever.
			if (failed.has(claim.decision)) throw twoDecisions()
		}
		if (result) yield result
	}

	async #decideAgain(
		order: RolloutOrder,
		now: {
			missing: number[]
			holders: ReadonlyMap<string, readonly number[]>
			refused: Refusal[]
			turnedDown: ReadonlyMap<string, WireError>
			claim: ClaimGiven
		},
		claims: Pick<ClaimTry, 'take' | 'giveBack'>,
	): Promise<ClaimGiven> {
		const unreachable = [...now.turnedDown]
			.filter(([, { code }]) => code === 'HOST_UNREACHABLE')
			.map(([peerId]) => this.#nodeName(peerId).name)
		const after = { decision: now.claim.decision, unreachable }
		const fresh = this.decide(order, now.missing, now.refused)
		if (fresh.chosen.length === now.missing.length) {
			return claims.take({ ...fresh, chosen: [...this.#kept(now.holders), ...fresh.chosen].sort(byReplica) }, after)
		}
		try {
			return await claims.take(null, after)
		} catch (thrown) {
			if (LatticeError.from(thrown).code !== 'NOT_FOUND') throw thrown
			// Nobody else has found room meanwhile.
			if (now.holders.size === 0) await claims.giveBack(after.decision)
			throw noNodeFits(fresh)
		}
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
	{ placement, token: claim }: ClaimGiven,
	how: { added: number[]; had: readonly number[] | undefined; generation: number; scaleId: string },
): Command {
	const { workloadId, commandId, name, type, config } = order
	const { added, had, generation, scaleId } = how
	if (had) {
		const replicas = [...had, ...added].sort((a, b) => a - b)
		const scaling = { kind: 'scale', commandId: `${scaleId}-${generation}`, workloadId } as const
		return { ...scaling, generation, replicas, placement, claim }
	}
	return { kind: 'deploy', commandId, workloadId, name, type, config, generation, replicas: added, placement, claim }
}

/** The host took nothing, so the next candidate may be asked: its own state is why, or the order never reached it. */
function isTurnedDown(error: WireError): boolean {
	return error.code === 'HOST_UNREACHABLE' ? error.facts.sent !== true : isRefusal(error)
}

function twoDecisions(): LatticeError {
	return new LatticeError(
		'CLAIM_INVALID',
		'Two nodes keep different decisions on this order, and its host has no room; order it again under another name.',
		{ reason: 'decision' },
	)
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
