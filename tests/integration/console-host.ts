import { setTimeout as delay } from 'node:timers/promises'
import {
	generateKey,
	issueClaim,
	joinProof,
	keyFromSeed,
	parseInvite,
	type SigningKey,
	signGrant,
	splitBearer,
	Trust,
	warrantOf,
} from '../../agent/identity/index.ts'
import { createPeer, type Peer } from '../../agent/mesh/index.ts'
import {
	type Command,
	type CommandFrame,
	type CommandOf,
	CommandResult,
	type Credentials,
	LatticeError,
	type NodeStatus,
	type Phase,
	type Sample,
	type WatchFrame,
	type WorkloadReport,
	type WorkloadStatus,
} from '../../agent/protocol/index.ts'

const MIB = 1024 * 1024
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** What a scripted host does with a command: nothing of the store and the engine is behind it. */
export type Script = (command: Command) => AsyncIterable<CommandFrame> | null

/**
 * A host whose every word the test chooses: a real peer of the mesh, enrolled by a real invite, with a real
 * certificate. By itself it accepts what it is sent and reports it pending; `script` may answer otherwise.
 */
export class ScriptedHost {
	/** after joining the one of its certificate: a name that is taken gets a number */
	name: string
	readonly commands: Command[] = []
	/** what it answers when it is asked how much is used */
	samples: Sample[] = []
	readonly reports = new Map<string, WorkloadReport>()
	readonly credentials = new Map<string, Credentials>()
	script: Script = () => null
	status: Partial<NodeStatus> = {}
	#peer!: Peer
	#key: SigningKey
	#trust: Trust | null = null
	#certificate: string | null = null
	#revision = 0
	#seq = 0
	#members: { peerId: string; addresses: string[] }[] = []
	readonly #watchers = new Set<(frame: WatchFrame) => void>()

	constructor(name: string, key: SigningKey = generateKey()) {
		this.name = name
		this.#key = key
	}

	get certificate(): string | null {
		return this.#certificate
	}

	/** A reservation that this member signs, as a steward does while the console is away, asked by who holds the bearer. */
	async claim(
		order: { owner: string; name: string; commandId: string; workloadId: string },
		bearer: string,
	): Promise<string> {
		if (!this.#trust || !this.#certificate) throw new Error('not enrolled')
		const { latticeId } = this.#trust
		const { warrant, credential } = await wordOf(bearer, order, latticeId)
		return issueClaim(this.#key, {
			...{
				...order,
				latticeId,
				decision: `of-${order.commandId}`,
				generation: 1,
				chosen: [{ replica: 0, node: this }],
			},
			...{ by: this.peerId, steward: { certificate: this.#certificate, credential, warrant } },
		})
	}

	get peerId(): string {
		return this.#peer.peerId
	}

	async join(token: string): Promise<void> {
		await this.#createPeer()
		const invite = parseInvite(token)
		const { latticeId, inviteId, secret, addresses } = invite
		const request = { inviteId, peerId: this.#peer.peerId, name: this.name, labels: {}, gateway: false }
		const proof = joinProof(secret, { ...request, latticeId })
		const granted = await this.#peer.join(addresses, { ...request, proof })
		this.#trust = new Trust({ latticeId, rootPublicKey: granted.rootPublicKey })
		for (const issuer of granted.issuers) await this.#trust.addIssuer(issuer)
		this.#certificate = granted.certificate
		this.name = payloadOf(granted.certificate).name
		this.#members = granted.members
		await this.connect()
	}

	/** Finds the console, as an agent does; tries for a while, since the console may be starting. */
	async connect(): Promise<void> {
		const member = this.#members.at(-1)
		if (!member) throw new Error('no member to dial')
		await eventually(() => this.#peer.dial(member).then(() => true))
	}

	/** As a machine that loses power: no goodbye. */
	async vanish(): Promise<void> {
		await this.#peer.stop()
	}

	async comeBack(): Promise<void> {
		await this.#createPeer()
		await this.connect()
	}

	stop(): Promise<void> {
		return this.#peer.stop()
	}

	/** Reports a workload as it now stands; what is not given stays as it was. */
	report(id: string, change: Partial<WorkloadReport> & { status: WorkloadStatus }): void {
		const known = this.reports.get(id)
		if (!known) throw new Error(`${id} was never ordered here`)
		const replicas = (change.replicas ?? known.replicas).map((replica) => ({ ...replica, status: change.status }))
		this.#revision += 1
		const updatedAt = new Date().toISOString()
		const report = { ...known, ...change, replicas, revision: this.#revision, updatedAt }
		this.reports.set(id, report)
		this.tell({ type: 'report', report })
	}

	/** Holds a workload as if an agent's own API had ordered it. */
	hold(report: Omit<WorkloadReport, 'revision' | 'node' | 'updatedAt' | 'createdAt'>): void {
		this.#revision += 1
		const at = new Date().toISOString()
		const node = { peerId: this.peerId, name: this.name }
		const whole = { ...report, node, revision: this.#revision, createdAt: at, updatedAt: at }
		this.reports.set(report.id, whole)
		this.tell({ type: 'report', report: whole })
		this.tell({ type: 'node', node: this.#nodeStatus() })
	}

	remove(id: string): void {
		this.reports.delete(id)
		this.tell({ type: 'removed', workloadId: id, at: new Date().toISOString() })
	}

	event(workloadId: string, phase: Phase, more: Partial<WatchFrame & { type: 'event' }>['event'] | object = {}) {
		this.#seq += 1
		const event = {
			seq: this.#seq,
			at: new Date().toISOString(),
			node: this.peerId,
			workloadId,
			commandId: null,
			replica: null,
			phase,
			message: null,
			progress: null,
			placement: null,
			error: null,
			...more,
		}
		this.tell({ type: 'event', event })
		return event
	}

	tell(frame: WatchFrame): void {
		for (const watcher of this.#watchers) watcher(frame)
	}

	/** The commands of one kind that came here. */
	of<K extends Command['kind']>(kind: K): CommandOf<K>[] {
		return this.commands.filter((command): command is CommandOf<K> => command.kind === kind)
	}

	/** A command of this host's own to another peer. */
	get peer(): Peer {
		return this.#peer
	}

	async #createPeer(): Promise<void> {
		this.#peer = await createPeer({
			key: this.#key,
			listen: ['/ip4/127.0.0.1/tcp/0'],
			trust: () => this.#trust,
			certificate: () => this.#certificate,
			log: quiet,
		})
		this.#peer.handleCommands((request) => this.#handle(request.command))
		this.#peer.handleWatch((signal) => this.#watch(signal))
		await this.#peer.start()
	}

	async *#handle(command: Command): AsyncIterable<CommandFrame> {
		this.commands.push(command)
		const scripted = this.script(command)
		yield* scripted ?? this.#obey(command)
	}

	async *#obey(command: Command): AsyncIterable<CommandFrame> {
		if (command.kind === 'get') {
			const report = this.reports.get(command.workloadId) ?? null
			const credentials = this.credentials.get(command.workloadId) ?? null
			yield { type: 'result', result: CommandResult.parse({ report, credentials }) }
			return
		}
		if (command.kind === 'logs') {
			const lines = [{ at: '2026-11-24T00:00:00.000000000Z', stream: 'stdout' as const, text: 'hello', replica: 0 }]
			yield { type: 'logs', lines }
			yield { type: 'result', result: CommandResult.parse({}) }
			return
		}
		if (command.kind === 'samples') {
			yield { type: 'samples', samples: this.samples }
			yield { type: 'result', result: CommandResult.parse({}) }
			return
		}
		if (!('workloadId' in command) || command.kind === 'claim') {
			yield { type: 'error', error: new LatticeError('WRONG_STATE', 'Not scripted.').toJSON() }
			return
		}
		if (command.kind === 'deploy') this.accept(command)
		yield { type: 'event', event: this.event(command.workloadId, 'accepted') }
		yield { type: 'result', result: CommandResult.parse({ report: this.reports.get(command.workloadId) ?? null }) }
	}

	/** Takes an order as a host does: the report says pending. */
	accept(command: CommandOf<'deploy'>): void {
		const { workloadId: id, name, type, commandId, claim, generation, config, placement } = command
		const owner = payloadOf(claim).sub
		const replica = { status: 'pending' as const, statusReason: null, error: null, containerId: null }
		this.hold({
			id,
			name,
			type,
			owner,
			commandId,
			claim,
			generation,
			desired: 'running',
			config,
			placement,
			status: 'pending',
			statusReason: null,
			error: null,
			replicas: command.replicas.map((index) => ({
				...replica,
				index,
				startedAt: null,
				exitCode: null,
				restarts: 0,
				endpoints: [],
			})),
		})
	}

	async *#watch(signal: AbortSignal): AsyncIterable<WatchFrame> {
		const waiting: WatchFrame[] = [{ type: 'node', node: this.#nodeStatus() }]
		for (const report of this.reports.values()) waiting.push({ type: 'report', report })
		waiting.push({ type: 'synced' })
		let wake: () => void = () => undefined
		const watcher = (frame: WatchFrame) => {
			waiting.push(frame)
			wake()
		}
		signal.addEventListener('abort', () => wake())
		this.#watchers.add(watcher)
		try {
			while (!signal.aborted) {
				for (let frame = waiting.shift(); frame; frame = waiting.shift()) yield frame
				await new Promise<void>((resolve) => {
					wake = resolve
					if (waiting.length > 0 || signal.aborted) resolve()
				})
			}
		} finally {
			this.#watchers.delete(watcher)
		}
	}

	#nodeStatus(): NodeStatus {
		return {
			peerId: this.peerId,
			name: this.name,
			incarnation: 1,
			sequence: 1,
			labels: {},
			capacity: { cpus: 4, memoryBytes: 8192 * MIB, diskBytes: 100 * 1024 * MIB },
			allocated: { cpus: 0, memoryBytes: 0, diskBytes: 0 },
			arch: 'amd64',
			os: 'linux',
			engine: { ready: true, reason: null, version: '20.10' },
			gateway: false,
			relay: false,
			restUrl: null,
			images: [],
			recentFailures: 0,
			workloads: [...this.reports.values()].map(({ id, owner, replicas }) => ({
				id,
				owner,
				replicas: replicas.length,
			})),
			version: '0.1.0',
			addresses: this.#peer.addresses(),
			...this.status,
		}
	}
}

function payloadOf(jwt: string): { name: string; sub: string } {
	return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString())
}

/** Polls until the answer is truthy, and answers it; the last failure is shown when it never is. */
export async function eventually<T>(probe: () => Promise<T> | T, timeoutMs = 20_000): Promise<NonNullable<T>> {
	const deadline = Date.now() + timeoutMs
	let last: unknown = 'never true'
	while (Date.now() < deadline) {
		try {
			const value = await probe()
			if (value) return value
			last = value
		} catch (error) {
			last = error
		}
		await delay(25)
	}
	throw new Error(`waited ${timeoutMs} ms in vain`, { cause: last })
}

async function wordOf(bearer: string, order: Parameters<typeof warrantOf>[0], audience: string) {
	const { jwt: credential, seed } = splitBearer(bearer)
	return {
		credential,
		warrant: await signGrant({ credential, key: keyFromSeed(seed), command: warrantOf(order), audience }),
	}
}
