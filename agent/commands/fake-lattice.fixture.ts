import { randomUUID } from 'node:crypto'
import { generateKey, peekClaim } from '../identity/index.ts'
import {
	type Command,
	type CommandFrame,
	type CommandOf,
	type CommandRequest,
	CommandResult,
	LatticeError,
	type Liveness,
	type NodeStatus,
	type WorkloadReport,
} from '../protocol/index.ts'
import { type Claimants, claimerOf, claimKey } from '../scheduler/claimer.ts'
import { Claims } from '../store/claims.ts'
import { Database } from '../store/database.ts'
import type { Authority } from './authority.ts'
import { isRefusal, refuseOtherClaim } from './claim-check.ts'
import { Directory } from './directory.ts'
import { givesUp } from './doubles.ts'
import { Entry } from './entry.ts'
import { Steward } from './steward.ts'

const subject = { userId: 'ada', email: 'ada@example.test', role: 'owner', kind: 'access' } as const
export const OWNER: Authority = {
	subject,
	credential: 'jwt',
	grant: async () => 'grant',
	// Seconds apart, as the words of a person are.
	warrant: async () => tokenOf({ jti: randomUUID(), cmd: '', ath: '', iat: ++ordered, exp: ordered + 600 }),
}

let ordered = 1_700_000_000

function tokenOf(payload: object): string {
	return `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.`
}

const GIB = 2 ** 30

/** A host that takes every order at once, without containers; its real parts are the directory, the claims, the entry. */
class FakeHost {
	readonly name: string
	readonly directory: Directory
	readonly entry: Entry
	readonly steward: Steward
	readonly seen: Command[] = []
	/** throws in place of taking an order */
	answer: ((command: Command) => void) | null = null
	dead = false
	readonly death = Promise.withResolvers<void>()
	readonly #held = new Map<string, WorkloadReport>()
	readonly #done = new Set<string>()
	/** by decision, as the journal keeps them */
	readonly #refused = new Map<string, LatticeError>()
	readonly #tell: (report: WorkloadReport) => void

	constructor(
		name: string,
		lattice: {
			send: (to: string, request: CommandRequest, from: string) => AsyncIterable<CommandFrame>
			pass: (what: string) => Promise<void>
		},
		tell: (report: WorkloadReport) => void,
	) {
		this.name = name
		this.#tell = tell
		this.directory = new Directory({ status: () => this.status(), reports: () => this.reports(), routes: () => [] })
		const claimants = (): Claimants => {
			const alive = this.directory.nodes().filter(({ liveness }) => liveness === 'alive')
			return { console: null, agents: alive.map(({ status }) => status.peerId) }
		}
		this.steward = new Steward({
			key: generateKey(),
			peerId: name,
			trust: () => ({ latticeId: 'l_test', verifyClaim: async (token) => peekClaim(token) }),
			certificate: () => 'certificate',
			claims: new Claims(new Database(':memory:')),
			directory: this.directory,
			claimants,
		})
		const send = (to: string, request: CommandRequest) => lattice.send(to, request, name)
		this.entry = new Entry({
			peerId: name,
			directory: this.directory,
			send,
			claimants,
			pause: () => lattice.pass('pause'),
		})
	}

	status(): NodeStatus {
		return {
			peerId: this.name,
			name: this.name,
			incarnation: 1,
			sequence: 1,
			labels: {},
			capacity: { cpus: 8, memoryBytes: 8 * GIB, diskBytes: 100 * GIB },
			allocated: { cpus: 0, memoryBytes: 0, diskBytes: 0 },
			arch: 'amd64',
			os: 'linux',
			engine: { ready: true, reason: null, version: '1' },
			gateway: false,
			relay: false,
			restUrl: null,
			images: [],
			recentFailures: 0,
			workloads: this.reports().map(({ id, owner, replicas }) => ({ id, owner, replicas: replicas.length })),
			version: '1',
			addresses: [],
		}
	}

	reports(): WorkloadReport[] {
		return [...this.#held.values()]
	}

	/** As `Yielding` does. */
	hear(report: WorkloadReport): void {
		this.directory.apply(report.node.peerId, { type: 'report', report })
		const own = this.#held.get(report.id)
		const lost = own ? givesUp(own, report) : []
		if (own && lost.length > 0)
			this.#put({ ...own, replicas: own.replicas.filter(({ index }) => !lost.includes(index)) })
	}

	async *handle(command: Command): AsyncIterable<CommandFrame> {
		this.seen.push(command)
		if (command.kind === 'claim') yield { type: 'result', result: await this.steward.claim(command, subject, 'jwt') }
		else if (command.kind === 'witness') yield { type: 'result', result: await this.steward.witness(command, subject) }
		else if (command.kind === 'unclaim') yield { type: 'result', result: this.steward.unclaim(command, subject) }
		else if (command.kind === 'deploy') yield* this.#deploy(command)
		else if (command.kind === 'scale') yield* this.#scale(command)
		else throw new Error(`the fake knows no ${command.kind}`)
	}

	async *#deploy(command: CommandOf<'deploy'>): AsyncIterable<CommandFrame> {
		if (!this.#done.has(command.commandId)) {
			this.#judge(command)
			this.#done.add(command.commandId)
			this.#put(reportOf(command, this.name))
		}
		yield event(command, this.name)
		yield { type: 'result', result: CommandResult.parse({ report: this.#held.get(command.workloadId) }) }
	}

	/** As a real host does, with the answer that the test gives it as its state. */
	#judge(command: CommandOf<'deploy'>): void {
		const claim = peekClaim(command.claim)
		refuseOtherClaim(command.replicas, claim, this.name)
		const earlier = this.#refused.get(claim.decision)
		if (earlier) throw earlier
		try {
			this.answer?.(command)
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			if (isRefusal(error)) this.#refused.set(claim.decision, error)
			throw error
		}
	}

	async *#scale(command: CommandOf<'scale'>): AsyncIterable<CommandFrame> {
		const held = this.#held.get(command.workloadId)
		if (!held) throw new LatticeError('NOT_FOUND', 'unknown here')
		if (command.generation <= held.generation) throw new LatticeError('STALE_GENERATION', 'an older order')
		const { generation, placement } = command
		const added = command.replicas.filter((index) => !held.replicas.some((replica) => replica.index === index))
		if (added.length > 0) refuseOtherClaim(added, peekClaim(command.claim ?? ''), this.name)
		const claim = added.length > 0 ? (command.claim ?? '') : held.claim
		this.#put({ ...held, generation, placement, claim, replicas: command.replicas.map(replicaOf) })
		yield event(command, this.name)
		yield { type: 'result', result: CommandResult.parse({ report: this.#held.get(command.workloadId) }) }
	}

	#put(report: WorkloadReport): void {
		this.#held.set(report.id, report)
		this.#tell(report)
	}
}

/** Hosts that hear each other's reports a moment later, as real ones do. */
export class FakeLattice {
	readonly hosts: FakeHost[]
	/** the network: whoever sends at once is answered in turn */
	readonly pass: (what: string) => Promise<void>
	#underWay = 0
	#side = new Set<string>()

	constructor(names: string[], pass = (_what: string) => new Promise<void>((resolve) => setTimeout(resolve, 2))) {
		this.pass = pass
		this.hosts = names.map((name) => new FakeHost(name, this, (report) => this.#spread(name, report)))
		for (const host of this.hosts) {
			for (const other of this.hosts) {
				if (other !== host) host.directory.apply(other.name, { type: 'node', node: other.status() })
			}
		}
	}

	host(name: string): FakeHost {
		const host = this.hosts.find((each) => each.name === name)
		if (!host) throw new Error(`no host ${name}`)
		return host
	}

	entry(name: string): Entry {
		return this.host(name).entry
	}

	stewardOf(name: string): string {
		const agents = this.hosts.map((host) => host.name)
		return claimerOf({ console: null, agents }, claimKey(subject.userId, name)) ?? ''
	}

	/** Does not answer any more, and nobody knows yet. */
	kill(name: string): void {
		const host = this.host(name)
		host.dead = true
		host.death.resolve()
	}

	judge(name: string, liveness: Liveness): void {
		for (const host of this.hosts) host.directory.judge(name, liveness)
	}

	/** Nobody on one side hears or reaches anybody on the other, and both know it. */
	cut(side: readonly string[]): void {
		this.#side = new Set(side)
		this.#judgeAcross('down')
	}

	/** The connections are there again, and each side tells the other all it has. */
	heal(): void {
		this.#judgeAcross('alive')
		this.#side.clear()
		for (const host of this.hosts) for (const report of host.reports()) this.#spread(host.name, report)
	}

	#judgeAcross(liveness: Liveness): void {
		for (const host of this.hosts) {
			for (const other of this.hosts) if (this.#isCut(host.name, other.name)) host.directory.judge(other.name, liveness)
		}
	}

	#isCut(one: string, other: string): boolean {
		return this.#side.has(one) !== this.#side.has(other)
	}

	/** Names of hosts, once for each replica. */
	placesOf(workload: string): string[] {
		return this.hosts.flatMap((host) =>
			host
				.reports()
				.filter(({ name }) => name === workload)
				.flatMap(({ replicas }) => replicas.map(() => host.name)),
		)
	}

	async *send(to: string, request: CommandRequest, from: string): AsyncIterable<CommandFrame> {
		const host = this.host(to)
		const what = `${request.command.kind} ${from} → ${to}`
		await this.#arrives(what, from)
		if (host.dead || this.#isCut(from, to)) throw new LatticeError('HOST_UNREACHABLE', `${to} does not answer`)
		try {
			for await (const frame of host.handle(request.command)) {
				await this.#arrives(`answer to ${what}`, from)
				if (host.dead) throw new LatticeError('HOST_UNREACHABLE', `${to} died`, { sent: true })
				yield frame
			}
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			// Unreachable is thrown by the sender's own side; what a host says comes as a frame.
			if (error.code === 'HOST_UNREACHABLE') throw error
			yield { type: 'error', error: error.toJSON() }
		}
	}

	/** Never for one that has died: what it would do next is never done. */
	async #arrives(what: string, from: string): Promise<void> {
		await this.pass(what)
		if (this.host(from).dead) await new Promise(() => undefined)
	}

	/** Resolves when everybody has heard what was reported so far. */
	async heard(): Promise<void> {
		while (this.#underWay > 0) await new Promise((resolve) => setTimeout(resolve, 1))
	}

	#spread(from: string, report: WorkloadReport): void {
		this.#underWay += 1
		setTimeout(() => {
			this.#underWay -= 1
			for (const host of this.hosts) {
				if (host.name === from || this.#isCut(host.name, from)) continue
				host.directory.apply(from, { type: 'node', node: this.host(from).status() })
				host.hear(report)
			}
		}, 5)
	}
}

function reportOf(command: CommandOf<'deploy'>, node: string): WorkloadReport {
	const { workloadId, name, type, config, commandId, claim, generation, placement, replicas } = command
	const at = new Date().toISOString()
	return {
		id: workloadId,
		name,
		type,
		owner: subject.userId,
		commandId,
		claim,
		generation,
		desired: 'running',
		config,
		placement,
		node: { peerId: node, name: node },
		status: 'running',
		statusReason: null,
		error: null,
		replicas: replicas.map(replicaOf),
		createdAt: at,
		updatedAt: at,
		revision: 1,
	}
}

function replicaOf(index: number): WorkloadReport['replicas'][number] {
	const nothing = { statusReason: null, error: null, containerId: null, startedAt: null, exitCode: null }
	return { index, status: 'running', ...nothing, restarts: 0, endpoints: [] }
}

function event(command: CommandOf<'deploy' | 'scale'>, node: string): CommandFrame {
	const about = { workloadId: command.workloadId, commandId: command.commandId, replica: null }
	const nothing = { message: null, progress: null, placement: null, error: null }
	return { type: 'event', event: { seq: 1, at: new Date().toISOString(), node, phase: 'placed', ...about, ...nothing } }
}
