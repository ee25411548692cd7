import { z } from 'zod'
import { workloadIdOf } from '../identity/index.ts'
import {
	type Command,
	type CommandFrame,
	CommandResult,
	type Credentials,
	LatticeError,
	type Node,
	type NodeUsage,
	nodesOf,
	type PeerPath,
	type Placement,
	parseInput,
	usageCommand,
	usageOf,
	type Workload,
	type WorkloadReport,
	WorkloadType,
} from '../protocol/index.ts'
import type { Claimants } from '../scheduler/claimer.ts'
import { templateOf } from '../templates/catalogue.ts'
import type { Authority } from './authority.ts'
import { Claiming } from './claiming.ts'
import { Deploying } from './deploying.ts'
import type { Directory } from './directory.ts'
import { mergeIterables } from './merge.ts'
import { newCommandId } from './order-id.ts'
import { mayTouch, notFound } from './ownership.ts'
import { byWorkload } from './reports.ts'
import { joinResults, type ResultFrame, resultOf } from './results.ts'
import { Rollout } from './rollout.ts'
import { Scaling } from './scaling.ts'
import { type Send, Sender } from './sender.ts'
import { workloadOf } from './view.ts'

export interface EntryModules {
	peerId: string
	directory: Pick<Directory, 'nodes' | 'of' | 'byName' | 'reports' | 'routes'>
	send: Send
	/** who may reserve names, as this node sees it now */
	claimants: () => Claimants
	/** resolves after so many milliseconds */
	pause?: (ms: number) => Promise<unknown>
}

type ExistingKind = 'start' | 'stop' | 'restart'

/**
 * The node that takes an order: it places, reserves the name, signs a grant for the host that was selected, and relays
 * what that host answers. It decides nothing that the host does not check again.
 */
export class Entry {
	readonly #modules: EntryModules
	readonly #sender: Sender
	readonly #rollout: Rollout
	readonly #deploying: Deploying
	readonly #scaling: Scaling

	constructor(modules: EntryModules) {
		const { peerId, directory, send } = modules
		const sender = new Sender(send)
		const rollout = new Rollout({ peerId, directory, sender })
		const claiming = new Claiming({ ...modules, sender })
		this.#modules = modules
		this.#sender = sender
		this.#rollout = rollout
		this.#deploying = new Deploying({ directory, sender, claiming, rollout })
		this.#scaling = new Scaling({ sender, claiming, rollout })
	}

	/** Candidates and rejections for a draft; nothing is changed. */
	dryRun(authority: Authority, input: unknown): Placement {
		const { type, config } = parseInput(z.object({ type: WorkloadType, config: z.unknown() }), input)
		const template = templateOf(type)
		const requirements = template.requirements(parseInput(template.schema, config ?? {}, ['config']))
		const owner = authority.subject.userId
		const replicas = Array.from({ length: requirements.replicas }, (_, index) => index)
		return this.#rollout.decide({ workloadId: workloadIdOf(owner, newCommandId()), owner, requirements }, replicas)
	}

	deploy(authority: Authority, input: unknown, signal: AbortSignal): AsyncIterable<CommandFrame> {
		return this.#deploying.deploy(authority, input, signal)
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

	async *scale(
		authority: Authority,
		workloadId: string,
		order: { replicas: number; commandId?: string | undefined },
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		const reports = this.#reachable(authority, workloadId)
		const { replicas, commandId = newCommandId() } = order
		yield* this.#scaling.scale(authority, reports, { replicas, commandId }, signal)
	}

	remove(
		authority: Authority,
		workloadId: string,
		volumes: boolean,
		commandId: string | undefined,
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		const command = { kind: 'delete', commandId: commandId ?? newCommandId(), workloadId, volumes } as const
		return this.#all(authority, workloadId, command, signal)
	}

	/** Reads that stream: logs, stats, events. */
	read(
		authority: Authority,
		command: Extract<Command, { kind: 'logs' | 'stats' | 'events' }>,
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		return this.#readAll(authority, command, signal)
	}

	/** One workload as its hosts say now, with credentials for its owner. */
	async get(
		authority: Authority,
		workloadId: string,
		credentials: boolean,
		signal: AbortSignal,
	): Promise<CommandResult> {
		const whole = this.resolve(authority, workloadId)
		if (whole.status === 'unknown') return CommandResult.parse({ report: whole })
		const command = { kind: 'get', workloadId: whole.id, credentials } as const
		const result = await resultOf(this.#sender.frames(authority, whole.node.peerId, command, signal))
		// Of one host alone its own word is newer than what was heard here.
		const isAlone = whole.replicas.every(({ index }) => result.report?.replicas.some((each) => each.index === index))
		return { ...result, report: isAlone ? result.report : whole }
	}

	/** All that the subject may see, one entry a workload. */
	list(authority: Authority): WorkloadReport[] {
		return byWorkload(this.#modules.directory.reports().filter(({ owner }) => mayTouch(authority.subject, owner)))
	}

	/** In the shape of the API, with what gateways give it. */
	view(report: WorkloadReport, credentials?: Credentials | null): Workload {
		return workloadOf(report, this.#modules.directory.routes(report.id), credentials)
	}

	nodes(): Node[] {
		return nodesOf(this.#modules.directory.nodes())
	}

	/** What the nodes that are there, and the subject's replicas on them, use now. */
	usage(authority: Authority): Promise<NodeUsage[]> {
		const there = this.#modules.directory.nodes().filter(({ liveness }) => liveness === 'alive')
		const nodes = there.map(({ status: { peerId, name } }) => ({ peerId, name }))
		return usageOf(nodes, (peerId, signal) => this.#sender.frames(authority, peerId, usageCommand(), signal))
	}

	/** With whom that node is connected, and how: its own word. */
	async peers(authority: Authority, peerId: string, signal: AbortSignal): Promise<PeerPath[]> {
		if (!this.#modules.directory.nodes().some(({ status }) => status.peerId === peerId)) {
			throw new LatticeError('NOT_FOUND', `There is no node ${peerId} in this lattice.`, { peerId })
		}
		const { peers } = await resultOf(this.#sender.frames(authority, peerId, { kind: 'peers' }, signal))
		return peers ?? []
	}

	/** An id, or a name of the subject's own; NOT_FOUND for anything else. */
	resolve(authority: Authority, idOrName: string): WorkloadReport {
		const found = this.list(authority).find(
			(report) => report.id === idOrName || (report.name === idOrName && report.owner === authority.subject.userId),
		)
		if (!found) throw notFound(idOrName)
		return found
	}

	/** What every host holds of it; HOST_UNREACHABLE when one of them is away, so that nothing is half done. */
	#reachable(authority: Authority, workloadId: string): WorkloadReport[] {
		const reports = this.#modules.directory.of(workloadId)
		const [first] = reports
		if (!first || !mayTouch(authority.subject, first.owner)) throw notFound(workloadId)
		const away = reports.find((report) => report.replicas.length > 0 && this.#isAway(report))
		if (!away) return reports.filter((report) => !this.#isAway(report))
		throw unreachable(away, 'so nothing was changed; try again when it is back')
	}

	#isAway({ node }: WorkloadReport): boolean {
		const view = this.#modules.directory.nodes().find(({ status }) => status.peerId === node.peerId)
		return view?.liveness !== 'alive'
	}

	/** From the hosts that are there, as long as one of them is. */
	async *#readAll(
		authority: Authority,
		command: Extract<Command, { kind: 'logs' | 'stats' | 'events' }>,
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		const reports = this.#modules.directory.of(command.workloadId)
		const [first] = reports
		if (!first || !mayTouch(authority.subject, first.owner)) throw notFound(command.workloadId)
		const there = reports.filter((report) => !this.#isAway(report))
		if (there.length === 0) throw unreachable(first, 'and nobody else can say what it wrote; try again when it is back')
		yield* this.#ask(authority, there, command, signal)
	}

	async *#all(
		authority: Authority,
		workloadId: string,
		command: Command,
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		yield* this.#ask(authority, this.#reachable(authority, workloadId), command, signal)
	}

	async *#ask(
		authority: Authority,
		hosts: WorkloadReport[],
		command: Command,
		signal: AbortSignal,
	): AsyncIterable<CommandFrame> {
		const answers = hosts.map((report) => this.#sender.frames(authority, report.node.peerId, command, signal))
		let result: ResultFrame | null = null
		for await (const frame of mergeIterables(answers)) {
			if (frame.type === 'result') result = joinResults(result, frame)
			else yield frame
			if (frame.type === 'error') return
		}
		if (result) yield result
	}
}

function unreachable({ node }: WorkloadReport, consequence: string): LatticeError {
	return new LatticeError('HOST_UNREACHABLE', `${node.name} does not answer, ${consequence}.`, { node })
}
