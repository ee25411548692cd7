import { randomBytes } from 'node:crypto'
import type { Binding } from '../endpoints/bindings.ts'
import type { Subject, Trust } from '../identity/index.ts'
import {
	type Command,
	type CommandFrame,
	type CommandOf,
	LatticeError,
	parseInput,
	type Requirements,
} from '../protocol/index.ts'
import { superseded } from '../reconciler/settle.ts'
import type { Assignment, Assignments, ReplicaRow } from '../store/assignments.ts'
import type { Changes } from '../store/changes.ts'
import { nameTaken } from '../store/claims.ts'
import type { Database } from '../store/database.ts'
import type { Events } from '../store/events.ts'
import type { Journal } from '../store/journal.ts'
import type { OpenAssignment, Workloads } from '../store/workloads.ts'
import { templateOf } from '../templates/catalogue.ts'
import { isRefusal, otherPlacement, refuseOtherClaim } from './claim-check.ts'
import { followOrder } from './following.ts'
import { orderDigest } from './order-id.ts'
import { mayTouch, notFound } from './ownership.ts'
import { interruptReplicas, newReplicas, retryReplicas } from './replica-rows.ts'

export interface OrdersModules {
	peerId: string
	db: Database
	journal: Journal
	assignments: Assignments
	workloads: Workloads
	events: Events
	changes: Changes
	trust: () => Trust
	/** NODE_REFUSED with facts when this host, by its own truth, cannot take it */
	admit: (asked: Requirements, replicas: number) => Promise<void>
	bindingsOf: (open: Pick<OpenAssignment, 'template' | 'config'>) => Binding[]
	kick: (workloadId: string) => void
	/** as kick, for a workload that this host takes for the first time */
	begin: (workloadId: string) => void
	/** as kick, ending a pull under way */
	interrupt: (workloadId: string) => void
}

type Change = CommandOf<'start' | 'stop' | 'restart' | 'delete' | 'scale'>

/**
 * Orders that change what this host shall run. Each is journaled together with its change of desired state, in one
 * transaction; the reconciler does the work; the answer follows the journal. A repeated id gets the first outcome.
 */
export class Orders {
	readonly #modules: OrdersModules
	/** one order at a time passes from admission to its reservation, so that two cannot take the same memory */
	#admission: Promise<unknown> = Promise.resolve()

	constructor(modules: OrdersModules) {
		this.#modules = modules
	}

	async *deploy(command: CommandOf<'deploy'>, subject: Subject, signal: AbortSignal): AsyncIterable<CommandFrame> {
		const digest = orderDigest(command, subject.userId)
		const accept = this.#admission.then(() => this.#acceptDeploy(command, subject, digest))
		this.#admission = accept.catch(() => null)
		yield* this.#answer(command, signal, () => accept)
	}

	async *change(command: Change, subject: Subject, signal: AbortSignal): AsyncIterable<CommandFrame> {
		const digest = orderDigest(command, subject.userId)
		yield* this.#answer(command, signal, () => {
			// As a deployment: of two at once the second sees what the first has taken, and is the owner's newer word.
			const accept = this.#admission.then(() => this.#takeChange(command, subject, digest))
			this.#admission = accept.catch(() => null)
			return accept
		})
	}

	async #takeChange(command: Change, subject: Subject, digest: string): Promise<void> {
		const { journal, db, kick, interrupt } = this.#modules
		if (journal.repeated(command.commandId, digest, subject.userId)) return kick(command.workloadId)
		const assignment = this.#mine(command.workloadId, subject)
		const arrivals = command.kind === 'scale' ? await this.#arrivals(command, assignment) : []
		db.transaction(() => this.#acceptChange(command, subject, digest, assignment, arrivals))
		interrupt(command.workloadId)
	}

	/** Listens first, then accepts (and sets to work), then follows: no event of the order is missed. */
	async *#answer(
		command: { commandId: string; workloadId: string },
		signal: AbortSignal,
		accept: () => Promise<void>,
	): AsyncIterable<CommandFrame> {
		const over = new AbortController()
		const following = this.#modules.changes.follow(AbortSignal.any([signal, over.signal]))
		try {
			await accept()
			yield* followOrder(this.#modules, command, following)
		} finally {
			over.abort()
		}
	}

	async #acceptDeploy(command: CommandOf<'deploy'>, subject: Subject, digest: string): Promise<void> {
		const { journal } = this.#modules
		const { name, commandId, workloadId } = command
		if (journal.repeated(commandId, digest, subject.userId)) return this.#modules.kick(workloadId)
		const order = { owner: subject.userId, name, commandId, workloadId }
		await this.#byClaim(command.claim, order, command.replicas, () => this.#take(command, subject, digest))
	}

	/** What is new to this host it takes by a claim that gives it just that. */
	async #byClaim<T>(
		token: string,
		order: { owner: string; name: string; commandId: string; workloadId: string },
		replicas: readonly number[],
		take: () => Promise<T>,
	): Promise<T> {
		const { journal, trust, peerId } = this.#modules
		const claim = await trust().verifyClaim(token, order)
		refuseOtherClaim(replicas, claim, peerId)
		const refusal = journal.refusalOf(claim.decision)
		if (refusal) throw refusal
		try {
			return await take()
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			// Who asked goes to another host now; a second one who asks the same must not find room here later.
			if (isRefusal(error)) journal.refuse(claim.decision, error)
			throw error
		}
	}

	async #take(command: CommandOf<'deploy'>, subject: Subject, digest: string): Promise<void> {
		const { journal, assignments, db } = this.#modules
		const { name, commandId, workloadId } = command
		const template = templateOf(command.type)
		const config = parseInput(template.schema, command.config, ['config'])
		const held = assignments.get(workloadId)
		if (held && held.generation >= command.generation) {
			throw new LatticeError('STALE_GENERATION', `This host runs generation ${held.generation} of ${name} already.`, {
				generation: held.generation,
			})
		}
		const namesake = assignments.byName(subject.userId, name)
		if (namesake && namesake.workloadId !== workloadId) throw nameTaken(name)
		const requirements = template.requirements(config)
		const { memoryBytes, cpus } = requirements
		const here = new Set(assignments.replicas(workloadId).map((row) => row.index))
		await this.#modules.admit(requirements, command.replicas.filter((index) => !here.has(index)).length)

		const secrets = held
			? this.#modules.workloads.open(held).secrets
			: template.makeSecrets(config, (characters) => randomBytes(characters).toString('base64url').slice(0, characters))
		const rows = await newReplicas(this.#modules, command, { template, config }, held?.restartNonce ?? null)
		db.transaction(() => {
			journal.accept({ id: commandId, kind: 'deploy', workloadId, subject: subject.userId, digest })
			assignments.put({
				workloadId,
				name,
				type: command.type,
				owner: subject.userId,
				commandId,
				claim: command.claim,
				generation: command.generation,
				placed: command.generation,
				desired: 'running',
				keepVolumes: false,
				restartNonce: held?.restartNonce ?? null,
				...this.#modules.workloads.seal(workloadId, config, secrets),
				placement: command.placement,
				memoryBytes,
				cpus,
				createdAt: held?.createdAt ?? Date.now(),
			})
			for (const row of rows) assignments.putReplica(row)
			this.#event(command, 'accepted', null)
			this.#event(command, 'placed', command.placement)
		})
		if (held) this.#modules.kick(workloadId)
		else this.#modules.begin(workloadId)
	}

	#acceptChange(
		command: Change,
		subject: Subject,
		digest: string,
		assignment: Assignment,
		arrivals: ReplicaRow[],
	): void {
		const { journal, assignments, changes } = this.#modules
		const { workloadId, commandId, kind } = command
		if (assignment.desired === 'deleted' && kind !== 'delete') throw notFound(workloadId)
		for (const earlier of journal.open(workloadId)) {
			// Two deletions are one; anything else gives way to the newest word of the owner.
			if (!(earlier.kind === 'delete' && kind === 'delete'))
				journal.settle(earlier.id, { error: superseded(DONE[kind]) })
		}
		journal.accept({ id: commandId, kind, workloadId, subject: subject.userId, digest })
		switch (command.kind) {
			case 'start':
				assignments.setDesired(workloadId, 'running')
				retryReplicas(assignments, workloadId)
				break
			case 'stop':
				assignments.setDesired(workloadId, 'stopped')
				interruptReplicas(assignments, workloadId)
				break
			case 'restart':
				assignments.setRestartNonce(workloadId, commandId)
				retryReplicas(assignments, workloadId)
				interruptReplicas(assignments, workloadId)
				this.#event(command, 'restarting', null)
				break
			case 'delete':
				assignments.setDesired(workloadId, 'deleted', !command.volumes)
				this.#event(command, 'deleting', null)
				break
			case 'scale':
				this.#scale(command, assignment, arrivals)
				break
		}
		changes.emit({ kind: 'workload', workloadId })
	}

	async #arrivals(command: CommandOf<'scale'>, assignment: Assignment): Promise<ReplicaRow[]> {
		const { assignments, workloads, admit } = this.#modules
		if (command.generation <= assignment.placed) {
			throw new LatticeError(
				'STALE_GENERATION',
				`This host has seen generation ${assignment.placed}; look again and repeat the order.`,
				{ generation: assignment.placed },
			)
		}
		const present = new Set(
			assignments
				.replicas(assignment.workloadId)
				.filter((row) => row.phase !== 'leaving')
				.map((row) => row.index),
		)
		const added = command.replicas.filter((index) => !present.has(index))
		if (added.length === 0) return []
		if (command.claim === null) throw otherPlacement()
		return this.#byClaim(command.claim, assignment, added, async () => {
			const open = workloads.open(assignment)
			await admit(open.template.requirements(open.config), added.length)
			const arriving = { workloadId: assignment.workloadId, replicas: added }
			return newReplicas(this.#modules, arriving, open, assignment.restartNonce)
		})
	}

	#scale(command: CommandOf<'scale'>, assignment: Assignment, arrivals: ReplicaRow[]): void {
		const { assignments } = this.#modules
		for (const row of assignments.replicas(assignment.workloadId)) {
			if (!command.replicas.includes(row.index))
				assignments.putReplica({ ...row, phase: 'leaving', status: 'stopping' })
		}
		for (const row of arrivals) assignments.putReplica(row)
		// The generation of a scaling is about where replicas are, not what they run: containers keep theirs.
		const { generation: placed, placement } = command
		const claim = arrivals.length > 0 && command.claim !== null ? command.claim : assignment.claim
		assignments.put({ ...assignment, placed, placement, claim, desired: 'running' })
		this.#event(command, 'placed', command.placement)
	}

	#mine(workloadId: string, subject: Subject): Assignment {
		const assignment = this.#modules.assignments.get(workloadId)
		if (!assignment || !mayTouch(subject, assignment.owner)) throw notFound(workloadId)
		return assignment
	}

	#event(
		command: Extract<Command, { workloadId: string; commandId: string }>,
		phase: 'accepted' | 'placed' | 'restarting' | 'deleting',
		placement: Assignment['placement'] | null,
	): void {
		const { workloadId, commandId } = command
		const event = this.#modules.events.append({
			workloadId,
			commandId,
			replica: null,
			phase,
			message: null,
			progress: null,
			placement,
			error: null,
		})
		queueMicrotask(() => {
			this.#modules.changes.emit({ kind: 'workload', workloadId })
			this.#modules.changes.emit({ kind: 'event', event })
		})
	}
}

const DONE = { start: 'started', stop: 'stopped', restart: 'restarted', delete: 'deleted', scale: 'scaled' } as const
