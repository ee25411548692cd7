import {
	type ClaimGiven,
	type CommandFrame,
	LatticeError,
	type Placement,
	parseInput,
	type WorkloadReport,
} from '../protocol/index.ts'
import { templateOf } from '../templates/catalogue.ts'
import type { Authority } from './authority.ts'
import type { Claiming, ClaimTry } from './claiming.ts'
import { mergeIterables } from './merge.ts'
import { joinReports, newestClaim } from './reports.ts'
import { joinResults, type ResultFrame } from './results.ts'
import { noNodeFits, type Rollout } from './rollout.ts'
import type { Sender } from './sender.ts'

/** more than there can be entries that died in the middle of the same scaling */
const CLAIM_TRIES = 5

export interface ScalingModules {
	sender: Sender
	claiming: Claiming
	rollout: Rollout
}

/**
 * More or fewer replicas of a workload that runs. Every host that has some is told first, at a newer generation: of two
 * such orders at once the second finds its generation taken and changes nothing.
 */
export class Scaling {
	readonly #modules: ScalingModules

	constructor(modules: ScalingModules) {
		this.#modules = modules
	}

	async *scale(
		authority: Authority,
		reports: WorkloadReport[],
		order: { replicas: number; commandId: string },
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		const { rollout, sender, claiming } = this.#modules
		const whole = joinReports(reports)
		const { id: workloadId, owner, name, type, commandId } = whole
		const template = templateOf(type)
		const given = typeof whole.config === 'object' && whole.config !== null ? whole.config : {}
		const config = parseInput(template.schema, { ...given, replicas: order.replicas }, ['config'])
		const requirements = template.requirements(config)
		const wanted = Array.from({ length: order.replicas }, (_, index) => index)
		const holders = holdersOf(reports, whole, wanted)
		const held = [...holders.values()].flat()
		const missing = wanted.filter((index) => !held.includes(index))
		const draft = rollout.decide({ workloadId, owner, requirements }, missing)
		if (draft.chosen.length < missing.length) throw noNodeFits(draft)
		if (missing.length > 0 && authority.subject.userId !== owner) {
			throw new LatticeError(
				'FORBIDDEN',
				'Only its owner adds replicas through a node; the console does it for others.',
			)
		}
		const generation = whole.generation + 1
		const chosen = whole.placement.chosen.filter(({ replica }) => held.includes(replica))
		const placement: Placement = { ...whole.placement, chosen, at: draft.at, by: draft.by }
		const tell = [...holders]
			.filter(([peerId, keeps]) => keeps.length > 0 || indexesAt(reports, peerId).length > 0)
			.map(([peerId, replicas]) => {
				const command = {
					kind: 'scale',
					commandId: order.commandId,
					workloadId,
					generation,
					replicas,
					placement,
					claim: null,
				} as const
				return sender.frames(authority, peerId, command, signal)
			})
		let result: ResultFrame | null = null
		for await (const frame of mergeIterables(tell)) {
			if (frame.type === 'result') result = joinResults(result, frame)
			else yield frame
			if (frame.type === 'error') return
		}
		if (missing.length > 0) {
			const claims = claiming.begin(authority, { commandId, workloadId, name, type, config }, signal)
			const whereTo = { ...draft, chosen: [...chosen, ...draft.chosen].sort((a, b) => a.replica - b.replica) }
			const claim = await newClaim(claims, whereTo, reports)
			const rest = { workloadId, owner, name, type, config, requirements, commandId }
			const start = { wanted, holders, claim, generation, scaleId: order.commandId.slice(0, 56) }
			for await (const frame of rollout.run(authority, rest, start, claims, signal)) {
				if (frame.type === 'result') result = joinResults(result, frame)
				else yield frame
				if (frame.type === 'error') return
			}
		}
		if (result) yield result
	}
}

/**
 * Hosts that are new to the workload need a claim that names them. Who comes here has won the generation at all hosts,
 * so a decision that is newer than what they show is of an order that came to nothing.
 */
async function newClaim(claims: ClaimTry, placement: Placement, reports: WorkloadReport[]): Promise<ClaimGiven> {
	let decision = newestClaim(reports).decision
	for (let tries = 0; tries < CLAIM_TRIES; tries++) {
		const claim = await claims.take(placement, { decision, unreachable: [] })
		if (claim.own) return claim
		decision = claim.decision
	}
	throw new LatticeError('STALE_GENERATION', 'Others change where this workload runs; look again and repeat the order.')
}

/** peer id → the wanted replicas that it has; a host that has none any more still knows the workload. */
function holdersOf(reports: WorkloadReport[], whole: WorkloadReport, wanted: number[]): Map<string, number[]> {
	const counted = new Set(whole.replicas.map(({ index }) => index))
	const taken = new Set<number>()
	const holders = new Map<string, number[]>()
	for (const report of [...reports].sort((a, b) => b.generation - a.generation)) {
		const keeps = report.replicas
			.map(({ index }) => index)
			.filter((index) => counted.has(index) && wanted.includes(index) && !taken.has(index))
		for (const index of keeps) taken.add(index)
		holders.set(report.node.peerId, keeps)
	}
	return holders
}

function indexesAt(reports: WorkloadReport[], peerId: string): number[] {
	return reports.find(({ node }) => node.peerId === peerId)?.replicas.map(({ index }) => index) ?? []
}
