import { z } from 'zod'
import { workloadIdOf } from '../identity/index.ts'
import {
	type Command,
	CommandFrame,
	CommandId,
	CommandRequest,
	CommandResult,
	LatticeError,
	type Node,
	type NodeView,
	type Placement,
	parseInput,
	WorkloadName,
	type WorkloadReport,
	WorkloadType,
} from '../protocol/index.ts'
import { place } from '../scheduler/place.ts'
import { nameTaken } from '../store/claims.ts'
import { templateOf } from '../templates/catalogue.ts'
import type { Authority } from './authority.ts'
import type { Directory } from './directory.ts'
import { mergeIterables } from './merge.ts'
import { newCommandId } from './order-id.ts'
import { mayTouch, notFound } from './ownership.ts'

/** `POST /api/workloads/deploy`, `workload.deploy`: the same body everywhere. */
export const DeployInput = z.strictObject({
	name: WorkloadName,
	type: WorkloadType,
	config: z.unknown().default({}),
	commandId: CommandId.optional(),
})
export type DeployInput = z.infer<typeof DeployInput>

export interface EntryModules {
	peerId: string
	directory: Pick<Directory, 'nodes' | 'of' | 'byName' | 'reports'>
	/** the answer of the executing host, this one or another */
	send: (peerId: string, request: CommandRequest, signal: AbortSignal) => AsyncIterable<CommandFrame>
	/** who reserves names now: the console while it is connected, else the steward in rendezvous order */
	claimer: (key: string) => string
}

type ExistingKind = 'start' | 'stop' | 'restart'

/**
 * The node that takes an order: it places, reserves the name, signs a grant for the host that was selected, and relays
 * what that host answers. It decides nothing that the host does not check again.
 */
export class Entry {
	readonly #modules: EntryModules

	constructor(modules: EntryModules) {
		this.#modules = modules
	}

	/** Candidates and rejections for a draft; nothing is changed. */
	dryRun(
		authority: Authority,
		input: unknown,
		workloadId = workloadIdOf(authority.subject.userId, newCommandId()),
		exclude: string[] = [],
	): Placement {
		const { type, config } = parseInput(z.object({ type: WorkloadType, config: z.unknown() }), input)
		const template = templateOf(type)
		const requirements = template.requirements(parseInput(template.schema, config ?? {}, ['config']))
		const nodes = this.#modules.directory.nodes().filter((view) => !exclude.includes(view.status.peerId))
		return place({
			requirements,
			nodes,
			owner: authority.subject.userId,
			workloadId,
			replicas: Array.from({ length: requirements.replicas }, (_, index) => index),
			by: this.#modules.peerId,
			at: new Date().toISOString(),
		})
	}

	async *deploy(authority: Authority, input: unknown, signal: AbortSignal): AsyncIterable<CommandFrame> {
		const { name, type, config, commandId = newCommandId() } = parseInput(DeployInput, input)
		const template = templateOf(type)
		const checked = parseInput(template.schema, config, ['config'])
		const { directory } = this.#modules
		const owner = authority.subject.userId

		const earlier = directory.byName(owner, name)
		if (earlier) {
			// The host that took this order before answers from its journal: the first outcome, or NAME_TAKEN.
			const placement = earlier.placement
			const repeat = {
				kind: 'deploy',
				commandId,
				workloadId: earlier.id,
				name,
				type,
				config: checked,
				generation: earlier.generation,
				replicas: earlier.replicas.map((replica) => replica.index),
				placement,
				claim: earlier.claim,
			} as const
			if (earlier.commandId !== commandId) throw nameTaken(name)
			yield* this.#order(authority, earlier.node.peerId, repeat, signal)
			return
		}

		const fresh = workloadIdOf(owner, commandId)
		if (this.dryRun(authority, { type, config }, fresh).chosen.length === 0)
			throw noNodeFits(this.dryRun(authority, { type, config }, fresh), [])
		const claim = await this.#claim(
			authority,
			{ kind: 'claim', commandId, workloadId: fresh, name, type, config: checked },
			signal,
		)
		const refused: { node: { peerId: string; name: string }; reason: string }[] = []
		for (;;) {
			const placement = this.dryRun(
				authority,
				{ type, config },
				claim.workloadId,
				refused.map((refusal) => refusal.node.peerId),
			)
			if (placement.chosen.length === 0) {
				await this.#unclaim(authority, commandId, name, signal)
				throw noNodeFits(placement, refused)
			}
			placement.rejected.push(...refused)
			const tries = [...byNode(placement)].map(([peerId, replicas]) =>
				this.#attempt(
					authority,
					peerId,
					{
						kind: 'deploy',
						commandId,
						workloadId: claim.workloadId,
						name,
						type,
						config: checked,
						generation: 1,
						replicas,
						placement,
						claim: claim.token,
					},
					signal,
				),
			)
			let again = false
			for await (const { peerId, frame } of mergeIterables(tries)) {
				if (frame.type === 'error' && isRefusal(frame.error.code)) {
					refused.push({ node: this.#nodeName(peerId), reason: frame.error.message })
					again = true
				} else if (!again || frame.type === 'event') yield frame
				if (frame.type === 'error' && !isRefusal(frame.error.code)) return
			}
			if (!again) return
		}
	}

	/** start, stop and restart reach every host that holds replicas. */
	change(
		authority: Authority,
		kind: ExistingKind,
		workloadId: string,
		commandId: string | undefined,
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		return this.#all(authority, workloadId, { kind, commandId: commandId ?? newCommandId(), workloadId }, signal)
	}

	remove(
		authority: Authority,
		workloadId: string,
		volumes: boolean,
		commandId: string | undefined,
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		return this.#all(
			authority,
			workloadId,
			{ kind: 'delete', commandId: commandId ?? newCommandId(), workloadId, volumes },
			signal,
		)
	}

	/** Reads that stream: logs, stats, events. */
	read(
		authority: Authority,
		command: Extract<Command, { kind: 'logs' | 'stats' | 'events' }>,
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		return this.#all(authority, command.workloadId, command, signal)
	}

	/** One workload as its host says now, with credentials for its owner. */
	async get(
		authority: Authority,
		workloadId: string,
		credentials: boolean,
		signal: AbortSignal,
	): Promise<CommandResult> {
		const hosts = this.#hosts(authority, workloadId)
		const [first] = hosts
		if (!first || first.status === 'unknown') return CommandResult.parse({ report: first ?? null })
		return resultOf(this.#order(authority, first.node.peerId, { kind: 'get', workloadId, credentials }, signal))
	}

	/** All that the subject may see, merged by workload: one entry each, the newest generation's. */
	list(authority: Authority): WorkloadReport[] {
		const newest = new Map<string, WorkloadReport>()
		for (const report of this.#modules.directory.reports()) {
			if (!mayTouch(authority.subject, report.owner)) continue
			const held = newest.get(report.id)
			if (!held || held.generation < report.generation) newest.set(report.id, report)
			else if (held.generation === report.generation)
				newest.set(report.id, { ...held, replicas: [...held.replicas, ...report.replicas] })
		}
		return [...newest.values()]
	}

	nodes(): Node[] {
		return this.#modules.directory.nodes().map(nodeOf)
	}

	/** An id, or a name of the subject's own; NOT_FOUND for anything else. */
	resolve(authority: Authority, idOrName: string): WorkloadReport {
		const found = this.list(authority).find(
			(report) => report.id === idOrName || (report.name === idOrName && report.owner === authority.subject.userId),
		)
		if (!found) throw notFound(idOrName)
		return found
	}

	#hosts(authority: Authority, workloadId: string): WorkloadReport[] {
		const reports = this.#modules.directory.of(workloadId)
		const [first] = reports
		if (!first || !mayTouch(authority.subject, first.owner)) throw notFound(workloadId)
		return reports
	}

	async *#all(
		authority: Authority,
		workloadId: string,
		command: Command,
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		const hosts = this.#hosts(authority, workloadId)
		const away = hosts.find((report) => report.status === 'unknown' && report.node.peerId !== this.#modules.peerId)
		if (away) {
			throw new LatticeError(
				'HOST_UNREACHABLE',
				`${away.node.name} does not answer, so nothing was changed; try again when it is back.`,
				{ node: away.node },
			)
		}
		const answers = hosts.map((report) => this.#order(authority, report.node.peerId, command, signal))
		let result: CommandFrame | null = null
		for await (const frame of mergeIterables(answers)) {
			if (frame.type === 'error') {
				yield frame
				return
			}
			if (frame.type === 'result') result = result === null ? frame : joinResults(result, frame)
			else yield frame
		}
		if (result) yield result
	}

	async *#order(
		authority: Authority,
		peerId: string,
		given: Command,
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		// Decoded as the host will decode it, so that both hash the same command.
		const parsed = CommandRequest.parse({
			credential: authority.credential,
			grant: '',
			command: JSON.parse(JSON.stringify(given)),
		})
		const grant = await authority.grant(parsed.command, peerId)
		for await (const frame of this.#modules.send(peerId, { ...parsed, grant }, signal)) yield CommandFrame.parse(frame)
	}

	async *#attempt(
		authority: Authority,
		peerId: string,
		command: Command,
		signal: AbortSignal,
	): AsyncIterable<{ peerId: string; frame: CommandFrame }> {
		try {
			for await (const frame of this.#order(authority, peerId, command, signal)) yield { peerId, frame }
		} catch (thrown) {
			yield { peerId, frame: { type: 'error', error: LatticeError.from(thrown).toJSON() } }
		}
	}

	async #claim(authority: Authority, command: Command & { kind: 'claim' }, signal: AbortSignal) {
		const key = `${authority.subject.userId}/${command.name}`
		for (let claimer = this.#modules.claimer(key); ; ) {
			try {
				const result = await resultOf(this.#order(authority, claimer, command, signal))
				if (result.claim) return result.claim
				throw new LatticeError('PROTOCOL_ERROR', 'The steward answered without a claim.', { steward: claimer })
			} catch (thrown) {
				// The console may die while it is asked; by now it is known to be away, and the next in line answers.
				const next = this.#modules.claimer(key)
				if (LatticeError.from(thrown).code !== 'HOST_UNREACHABLE' || next === claimer) throw thrown
				claimer = next
			}
		}
	}

	async #unclaim(authority: Authority, commandId: string, name: string, signal: AbortSignal): Promise<void> {
		const claimer = this.#modules.claimer(`${authority.subject.userId}/${name}`)
		await resultOf(this.#order(authority, claimer, { kind: 'unclaim', commandId, name }, signal))
	}

	#nodeName(peerId: string): { peerId: string; name: string } {
		const view = this.#modules.directory.nodes().find((each) => each.status.peerId === peerId)
		return { peerId, name: view?.status.name ?? peerId }
	}
}

/** The one result of a command's answer; its error is thrown. */
export async function resultOf(frames: AsyncIterable<CommandFrame>): Promise<CommandResult> {
	for await (const frame of frames) {
		if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
		if (frame.type === 'result') return frame.result
	}
	throw new LatticeError(
		'HOST_UNREACHABLE',
		'The host went away before it answered; ask again with the same command id.',
	)
}

export function nodeOf(view: NodeView): Node {
	const { status, liveness, lastSeenAt } = view
	const { peerId, name, labels, capacity, allocated, arch, engine, gateway } = status
	return { peerId, name, status: liveness, labels, capacity, allocated, arch, engine, gateway, lastSeenAt }
}

function byNode(placement: Placement): Map<string, number[]> {
	const groups = new Map<string, number[]>()
	for (const { replica, node } of placement.chosen)
		groups.set(node.peerId, [...(groups.get(node.peerId) ?? []), replica])
	return groups
}

/** The host took nothing: the next candidate may be asked. */
function isRefusal(code: string): boolean {
	return code === 'NODE_REFUSED' || code === 'ENGINE_UNAVAILABLE'
}

function joinResults(
	one: CommandFrame & { type: 'result' },
	other: CommandFrame & { type: 'result' },
): CommandFrame & { type: 'result' } {
	const a = one.result.report
	const b = other.result.report
	if (!a || !b) return a ? one : other
	const worse = b.status !== 'running' ? b : a
	return { type: 'result', result: { ...one.result, report: { ...worse, replicas: [...a.replicas, ...b.replicas] } } }
}

function noNodeFits(placement: Placement, refused: { node: { name: string }; reason: string }[]): LatticeError {
	const rejected = [...placement.rejected, ...refused].map(({ node, reason }) => ({ node: node.name, reason }))
	const why = rejected.map(({ node, reason }) => `${node}: ${reason}`).join('; ')
	return new LatticeError(
		'NO_NODE_FITS',
		`No node can run this${why ? ` (${why})` : ': the lattice has no node'}. Ask for less, or add a node.`,
		{ rejected },
	)
}
