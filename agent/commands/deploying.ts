import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { workloadIdOf } from '../identity/index.ts'
import {
	type ClaimGiven,
	type CommandFrame,
	CommandId,
	LatticeError,
	type Placement,
	parseInput,
	WorkloadName,
	type WorkloadReport,
	WorkloadType,
} from '../protocol/index.ts'
import { nameTaken } from '../store/claims.ts'
import { templateOf } from '../templates/catalogue.ts'
import { refuseTakenDomains } from '../templates/domains.ts'
import type { Authority } from './authority.ts'
import type { Claiming, ClaimTry } from './claiming.ts'
import type { Directory } from './directory.ts'
import { mergeIterables } from './merge.ts'
import { newCommandId } from './order-id.ts'
import { joinResults, type ResultFrame } from './results.ts'
import { noNodeFits, type Rollout, type RolloutOrder } from './rollout.ts'
import type { Sender } from './sender.ts'
import { Turns } from './turns.ts'

/** `POST /api/workloads/deploy`, `workload.deploy`: the same body everywhere. */
export const DeployInput = z.strictObject({
	name: WorkloadName,
	type: WorkloadType,
	config: z.unknown().default({}),
	commandId: CommandId.optional(),
})
export type DeployInput = z.infer<typeof DeployInput>

export interface DeployingModules {
	directory: Pick<Directory, 'of' | 'byName' | 'reports'>
	sender: Sender
	claiming: Claiming
	rollout: Rollout
}

/** How long the console, when it places the same order, gets until a host tells of it. */
const ELSEWHERE_MS = 15_000
/** From the first word of a host that took an order until its report is here. */
const REPORT_MS = 2_000
const LOOK_AGAIN_MS = 25

/** A new workload: reserves its name, and puts its replicas on hosts. A repeated command id gets the first outcome. */
export class Deploying {
	readonly #modules: DeployingModules
	/** two orders of one name at this node: the second begins when a host has the first */
	readonly #turns = new Turns()

	constructor(modules: DeployingModules) {
		this.#modules = modules
	}

	async *deploy(authority: Authority, input: unknown, signal: AbortSignal): AsyncIterable<CommandFrame> {
		const { name, type, config: given, commandId = newCommandId() } = parseInput(DeployInput, input)
		const template = templateOf(type)
		const config = parseInput(template.schema, given, ['config'])
		const owner = authority.subject.userId
		const workloadId = workloadIdOf(owner, commandId)
		const requirements = template.requirements(config)
		const order = { workloadId, owner, name, type, config, requirements, commandId }
		const done = await this.#turns.take(`${owner}/${name}`)
		let isTaken = false
		try {
			for await (const frame of this.#carryOut(authority, order, signal)) {
				// A host has the order; its report, by which the next order of this name knows, may still be on the way here.
				if (frame.type === 'event' && !isTaken) {
					isTaken = true
					void this.#reported(workloadId, REPORT_MS).finally(done)
				}
				yield frame
			}
		} finally {
			if (!isTaken) done()
		}
	}

	async *#carryOut(authority: Authority, order: RolloutOrder, signal: AbortSignal): AsyncIterable<CommandFrame> {
		const { directory, claiming, rollout } = this.#modules
		const { owner, name, type, config, commandId, workloadId, requirements } = order
		const earlier = directory.byName(owner, name)
		if (earlier && earlier.commandId !== commandId) throw nameTaken(name)
		if (earlier) return yield* this.#repeat(authority, order, directory.of(earlier.id), signal)
		refuseTakenDomains({ id: workloadId, type, config }, directory.reports())

		const wanted = Array.from({ length: requirements.replicas }, (_, index) => index)
		const draft = rollout.decide(order, wanted)
		const fits = draft.chosen.length === wanted.length
		const claims = claiming.begin(authority, { commandId, workloadId, name, type, config }, signal)
		const claim = await this.#claim(claims, fits ? draft : null, workloadId)
		if (claim === 'nobody') throw noNodeFits(draft)
		if (claim === 'elsewhere') return yield* this.#repeat(authority, order, directory.of(workloadId), signal)
		const start = { wanted, holders: new Map(), claim, generation: 1, scaleId: workloadId }
		yield* rollout.run(authority, order, start, claims, signal)
	}

	/**
	 * `elsewhere`: the console itself places this very order, and a host has it by now; `nobody`: it fits nowhere by the
	 * view of this node, and nobody found room for it before.
	 */
	async #claim(
		claims: ClaimTry,
		placement: Placement | null,
		workloadId: string,
	): Promise<ClaimGiven | 'elsewhere' | 'nobody'> {
		try {
			return await claims.take(placement, null)
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			if (placement === null && error.code === 'NOT_FOUND') return 'nobody'
			if (error.facts.placing !== true) throw error
			if (await this.#reported(workloadId, ELSEWHERE_MS)) return 'elsewhere'
			throw error
		}
	}

	/** The hosts that took this order before answer from their journals. */
	async *#repeat(
		authority: Authority,
		order: RolloutOrder,
		reports: WorkloadReport[],
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		const { name, type, config, commandId, workloadId } = order
		const answers = reports
			.filter((report) => report.replicas.length > 0 || reports.length === 1)
			.map(({ node, generation, replicas, placement, claim }) =>
				this.#modules.sender.frames(
					authority,
					node.peerId,
					{
						...{ kind: 'deploy', commandId, workloadId, name, type, config, generation, placement, claim },
						replicas: replicas.length > 0 ? replicas.map(({ index }) => index) : [0],
					},
					signal,
				),
			)
		let result: ResultFrame | null = null
		for await (const frame of mergeIterables(answers)) {
			if (frame.type === 'result') result = joinResults(result, frame)
			else yield frame
			if (frame.type === 'error') return
		}
		if (result) yield result
	}

	async #reported(workloadId: string, withinMs: number): Promise<boolean> {
		const deadline = Date.now() + withinMs
		while (this.#modules.directory.of(workloadId).length === 0) {
			if (Date.now() > deadline) return false
			await delay(LOOK_AGAIN_MS)
		}
		return true
	}
}
