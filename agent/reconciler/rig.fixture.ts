import { Orders } from '../commands/orders.ts'
import { resultOf } from '../commands/results.ts'
import {
	generateKey,
	issueClaim,
	issueIssuerCertificate,
	Keyring,
	latticeIdOf,
	type Subject,
	Trust,
} from '../identity/index.ts'
import { type CommandOf, type CommandResult, LatticeError } from '../protocol/index.ts'
import { MemoryRuntime, type MemoryRuntimeOptions } from '../runtime/memory-runtime.ts'
import { Assignments } from '../store/assignments.ts'
import { Changes } from '../store/changes.ts'
import { Claims } from '../store/claims.ts'
import { Database } from '../store/database.ts'
import { Events } from '../store/events.ts'
import { Journal } from '../store/journal.ts'
import { Workloads } from '../store/workloads.ts'
import { Executor } from './execute.ts'
import { Reconciler } from './reconciler.ts'

export const WORKLOAD = 'w_00000000000000000000'
export const ALICE: Subject = { userId: 'u_alice', email: 'alice@example.org', role: 'member', kind: 'access' }
const SELF = { peerId: 'peer-one', name: 'one' }

const root = generateKey()
const issuer = generateKey()
const latticeId = latticeIdOf(root.publicKey)
const keyring = Keyring.create()

async function trusting(): Promise<Trust> {
	const trust = new Trust({ latticeId, rootPublicKey: root.publicKey })
	const notAfter = new Date(Date.now() + 86_400_000)
	await trust.addIssuer(await issueIssuerCertificate(root, { latticeId, publicKey: issuer.publicKey, notAfter }))
	return trust
}

type Change = CommandOf<'start' | 'stop' | 'restart' | 'delete' | 'scale'>

/** Store, orders and reconciler as the agent composes them, over an engine in memory. */
export class Rig {
	readonly runtime: MemoryRuntime
	readonly assignments: Assignments
	readonly workloads: Workloads
	readonly journal: Journal
	/** admits nothing more */
	isFull = false
	readonly #reconciler: Reconciler
	readonly #orders: Orders

	private constructor(path: string, runtime: MemoryRuntime, trust: Trust, readyDeadlineMs: number) {
		this.runtime = runtime
		const db = new Database(path)
		const changes = new Changes()
		const events = new Events(db, SELF.peerId)
		this.assignments = new Assignments(db)
		this.journal = new Journal(db)
		this.workloads = new Workloads(this.assignments, keyring, SELF)
		const { assignments, journal, workloads } = this
		const identity = { latticeId, peerId: SELF.peerId }
		const bindingsOf = () => [{ kind: 'host' as const, address: '127.0.0.1' }]
		const currentOrder = (workloadId: string) => journal.open(workloadId).at(-1)?.id ?? null
		const executor = new Executor({
			identity,
			runtime,
			db,
			assignments,
			claims: new Claims(db),
			events,
			changes,
			currentOrder,
			bindingsOf,
		})
		const log = { warn: () => undefined }
		this.#reconciler = new Reconciler(
			{ readyDeadlineMs },
			{ identity, runtime, assignments, journal, workloads, executor, changes, log },
		)
		const kick = (id: string) => this.#reconciler.kick(id)
		const interrupt = (id: string) => this.#reconciler.interrupt(id)
		const admit = async () => {
			if (this.isFull) throw new LatticeError('NODE_REFUSED', 'one is full')
		}
		this.#orders = new Orders({
			peerId: SELF.peerId,
			db,
			journal,
			assignments,
			workloads,
			events,
			changes,
			trust: () => trust,
			admit,
			bindingsOf,
			kick,
			begin: (id) => this.#reconciler.begin(id),
			interrupt,
		})
		this.#reconciler.start()
	}

	static async start(path: string, runtime: MemoryRuntime, readyDeadlineMs = 2000): Promise<Rig> {
		return new Rig(path, runtime, await trusting(), readyDeadlineMs)
	}

	async deploy(
		config: unknown,
		commandId = 'deploy-0001',
		name = 'app',
		workloadId = WORKLOAD,
	): Promise<CommandResult> {
		const chosen = [{ replica: 0, node: SELF }]
		const placement = { chosen, candidates: [], rejected: [], at: new Date().toISOString(), by: 'console' }
		const decided = { by: 'console', decision: `decision-${commandId}`, generation: 1, chosen }
		const about = { latticeId, owner: ALICE.userId, name, commandId, workloadId }
		const claim = await issueClaim(issuer, { ...about, ...decided })
		const order: CommandOf<'deploy'> = {
			kind: 'deploy',
			commandId,
			workloadId,
			name,
			type: 'custom',
			config,
			generation: 1,
			replicas: [0],
			placement,
			claim,
		}
		return resultOf(this.#orders.deploy(order, ALICE, new AbortController().signal))
	}

	/** The replicas that this host shall have, by a claim that gives them to `peerId`. */
	async scaling(
		replicas: number[],
		{ commandId = 'scale-0001', generation = 2, peerId = SELF.peerId } = {},
	): Promise<CommandOf<'scale'> & { claim: string }> {
		const chosen = replicas.map((replica) => ({ replica, node: { peerId, name: 'one' } }))
		const placement = { chosen, candidates: [], rejected: [], at: new Date().toISOString(), by: 'console' }
		const decided = { by: 'console', decision: `decision-${commandId}`, generation, chosen }
		const about = { latticeId, owner: ALICE.userId, name: 'app', commandId: 'deploy-0001', workloadId: WORKLOAD }
		const claim = await issueClaim(issuer, { ...about, ...decided })
		return { kind: 'scale', commandId, workloadId: WORKLOAD, generation, replicas, placement, claim }
	}

	change(command: Change): Promise<CommandResult> {
		return resultOf(this.#orders.change(command, ALICE, new AbortController().signal))
	}

	/** As `kill -9`: nothing is waited for, nothing more is done. */
	abandon(): void {
		void this.#reconciler.stop()
	}

	stop(): Promise<void> {
		return this.#reconciler.stop()
	}
}

/** An engine whose caller dies at the `at`-th moment around an operation: that call never comes back. */
export function mortal(options: MemoryRuntimeOptions = {}) {
	let count = 0
	let deadAt = Number.POSITIVE_INFINITY
	let onDeath: (moment: string) => void = () => undefined
	const runtime = new MemoryRuntime({
		...options,
		hook: async (operation, moment) => {
			if (operation === 'list' || operation === 'hasImage' || operation === 'inspect' || operation === 'info') return
			if (++count === deadAt) {
				onDeath(`${moment} ${operation}`)
				await new Promise(() => undefined)
			}
		},
	})
	return {
		runtime,
		/** resolves with the moment of death, or never when the count is not reached */
		dieAt(at: number): Promise<string> {
			count = 0
			deadAt = at
			return new Promise((resolve) => {
				onDeath = resolve
			})
		},
		revive() {
			deadAt = Number.POSITIVE_INFINITY
		},
	}
}

export function codeOf(thrown: unknown): string {
	return LatticeError.from(thrown).code
}
