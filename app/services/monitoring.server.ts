import { z } from 'zod'
import {
	type Command,
	LatticeError,
	type NodeUsage,
	parseInput,
	type Sample,
	usageCommand,
	usageOf,
	WorkloadId,
} from '../../agent/protocol/index.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Database } from '../models/database.server.ts'
import { latticeOwner, readThresholds, saveThresholds } from '../models/lattice.server.ts'
import { newestMinute, readPoints, saveSamples } from '../models/metric.server.ts'
import { findWorkload, type WorkloadRecord } from '../models/workload.server.ts'
import { Alerts } from './alerts.server.ts'
import type { AuditTrail } from './audit.server.ts'
import type { HostCommands } from './host-commands.server.ts'
import type { LiveBus } from './live.server.ts'
import { NodeInput } from './node-inputs.ts'
import type { Actor, Monitoring, UsageHistory } from './services.ts'
import { type Alert, Thresholds } from './thresholds.ts'
import type { WorkloadReads } from './workload-reads.server.ts'
import { maySee, notFound } from './workload-view.server.ts'

const Subject = z.union([NodeInput, z.strictObject({ id: WorkloadId })])
const HistoryInput = z.object({ range: z.enum(['day', 'month']).default('day') })
const STEP_OF = { day: 'minute', month: 'quarter' } as const

/** Minutes are over a moment after they end; asked for once each. */
const EVERY_MS = 60_000
const FIRST_MS = 3_000
/** What a host that was away for a day has to tell. */
const READ_TIMEOUT_MS = 30_000
/** Alerts look back at most this far. */
const WINDOW_MS = 3_600_000

export interface MonitoringModules {
	database: Database
	fleet: Pick<Fleet, 'views' | 'isReachable'>
	commands: HostCommands
	reads: Pick<WorkloadReads, 'samples'>
	live: LiveBus
	audit: AuditTrail
	log: { warn(facts: object, message: string): void }
}

/** Fetches what nodes measured, keeps it, and says who is above a threshold. */
export class MonitoringService implements Monitoring {
	readonly #modules: MonitoringModules
	readonly #alerts: Alerts
	readonly #since = new Map<string, Date>()
	#timer: NodeJS.Timeout | null = null

	constructor(modules: MonitoringModules) {
		this.#modules = modules
		this.#alerts = new Alerts(modules)
	}

	start(): void {
		const run = () => {
			this.#timer = setTimeout(run, EVERY_MS).unref()
			this.collect().catch((error: unknown) => this.#modules.log.warn({ err: error }, 'nodes could not be measured'))
		}
		this.#timer = setTimeout(run, FIRST_MS).unref()
	}

	stop(): void {
		if (this.#timer) clearTimeout(this.#timer)
	}

	/** Of all nodes that are there, what is new. One that fails keeps nobody else from being asked. */
	async collect(): Promise<void> {
		const { database, fleet, log } = this.#modules
		const userId = await latticeOwner(database)
		if (userId === null) return
		const thresholds = await this.#thresholds()
		const there = fleet.views().filter(({ status }) => fleet.isReachable(status.peerId))
		await this.#alerts.keepOnly(new Set(there.map(({ status }) => status.peerId)))
		await Promise.all(
			there.map(async ({ status: { peerId } }) => {
				try {
					const samples = await this.#read(userId, peerId)
					await saveSamples(database, peerId, samples)
					const newest = samples.at(-1)?.at
					if (newest) this.#since.set(peerId, new Date(newest))
					await this.#alerts.learn(peerId, samples, thresholds)
				} catch (error) {
					log.warn({ peer: peerId, code: LatticeError.from(error).code }, 'a node did not tell what it measured')
				}
			}),
		)
	}

	async history(actor: Actor, input: unknown): Promise<UsageHistory> {
		const { range, ...subject } = parseInput(z.intersection(HistoryInput, z.looseObject({})), input)
		const step = STEP_OF[range]
		const { database } = this.#modules
		const wanted = parseInput(Subject, subject)
		const of = 'peerId' in wanted ? { node: wanted.peerId } : { workloadId: (await this.#find(actor, wanted.id)).id }
		const rows = await readPoints(database, of, step, new Date())
		return { step, points: rows.map(({ at, ...values }) => ({ at: at.getTime(), ...values })) }
	}

	async *follow(actor: Actor, input: unknown, signal: AbortSignal): AsyncIterable<Sample[]> {
		const subject = parseInput(Subject, input)
		const fine = { kind: 'samples', resolution: 'fine', since: null, follow: true } as const
		if ('id' in subject) {
			const record = await this.#find(actor, subject.id)
			yield* this.#modules.reads.samples(actor, record, { ...fine, workloadId: record.id, replicas: true }, signal)
			return
		}
		const command: Command = { ...fine, workloadId: null, replicas: false }
		for await (const frame of this.#modules.commands.frames(actor.userId, subject.peerId, command, signal)) {
			if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
			if (frame.type === 'samples') yield frame.samples
		}
	}

	now(actor: Actor): Promise<NodeUsage[]> {
		const { fleet, commands } = this.#modules
		const there = fleet.views().filter(({ status }) => fleet.isReachable(status.peerId))
		const nodes = there.map(({ status: { peerId, name } }) => ({ peerId, name }))
		return usageOf(nodes, (peerId, signal) => commands.frames(actor.userId, peerId, usageCommand(), signal))
	}

	async alerts(actor: Actor): Promise<Alert[]> {
		return this.#alerts.visible((ownerId) => ownerId === null || maySee(actor, ownerId))
	}

	thresholds(_actor: Actor): Promise<Thresholds> {
		return this.#thresholds()
	}

	async setThresholds(actor: Actor, input: unknown): Promise<Thresholds> {
		const { database, audit } = this.#modules
		const thresholds = parseInput(Thresholds, input)
		const entry = { actor: actor.userId, via: actor.via, action: 'lattice.thresholds', subject: 'lattice' }
		await audit.around({ ...entry, facts: { ...thresholds } }, async () => {
			if (actor.role === 'member') {
				throw new LatticeError('FORBIDDEN', 'Only the owner and admins set the thresholds. Ask one of them.')
			}
			await saveThresholds(database, thresholds)
		})
		await this.#alerts.reconsider(thresholds)
		return thresholds
	}

	/** The last that each node said of itself, for Prometheus. */
	latest(): { node: string; sample: Sample }[] {
		return this.#alerts.latest()
	}

	async #thresholds(): Promise<Thresholds> {
		return Thresholds.parse((await readThresholds(this.#modules.database)) ?? {})
	}

	async #read(userId: string, peerId: string): Promise<Sample[]> {
		const { commands, database } = this.#modules
		const known = this.#since.get(peerId)
		const stored = known ?? (await newestMinute(database, peerId))
		// After the console's own start the last hour is read again: alerts need it, and what is kept already is passed over.
		const since = known ?? (stored && new Date(stored.getTime() - WINDOW_MS))
		const command: Command = {
			kind: 'samples',
			workloadId: null,
			replicas: true,
			resolution: 'minute',
			since: since?.toISOString() ?? null,
			follow: false,
		}
		const samples: Sample[] = []
		for await (const frame of commands.frames(userId, peerId, command, AbortSignal.timeout(READ_TIMEOUT_MS))) {
			if (frame.type === 'error') throw LatticeError.fromWire(frame.error)
			if (frame.type === 'samples') samples.push(...frame.samples)
		}
		return samples
	}

	async #find(actor: Actor, id: string): Promise<WorkloadRecord> {
		const record = await findWorkload(this.#modules.database, id)
		if (record === null || record.deletedAt !== null || !maySee(actor, record.ownerId)) throw notFound(id)
		return record
	}
}
