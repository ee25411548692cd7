import { z } from 'zod'
import { type ExecInput, type ExecOutput, LatticeError, parseInput, WorkloadId } from '../../agent/protocol/index.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Database } from '../models/database.server.ts'
import { findWorkload } from '../models/workload.server.ts'
import type { AuditTrail } from './audit.server.ts'
import type { Authority } from './authority.server.ts'
import { unreachable } from './host-commands.server.ts'
import type { Actor, Terminals } from './services.ts'
import { maySee, notFound } from './workload-view.server.ts'

const OpenInput = z.strictObject({
	id: WorkloadId,
	replica: z.number().int().min(0).nullable().default(null),
	/** empty: the container's shell */
	command: z.array(z.string().max(8192)).max(256).default([]),
	tty: z.boolean().default(true),
	columns: z.number().int().min(1).max(1000).default(80),
	rows: z.number().int().min(1).max(1000).default(24),
})

export interface TerminalsModules {
	database: Database
	fleet: Pick<Fleet, 'exec' | 'isReachable'>
	authority: Authority
	audit: AuditTrail
}

/** Programs in containers, in a person's name. What is typed there is nobody's business: the trail has when and how it ended. */
export class TerminalService implements Terminals {
	readonly #modules: TerminalsModules

	constructor(modules: TerminalsModules) {
		this.#modules = modules
	}

	async *open(
		actor: Actor,
		input: unknown,
		typed: AsyncIterable<ExecInput>,
		signal: AbortSignal,
	): AsyncIterable<ExecOutput> {
		const { fleet, authority, audit } = this.#modules
		const { id, ...wanted } = parseInput(OpenInput, input)
		const entry = { actor: actor.userId, via: actor.via, action: 'workload.exec', subject: id }
		const facts = { replica: wanted.replica, program: wanted.command[0] ?? 'shell', address: actor.address }
		const request = await audit.around({ ...entry, facts }, async () => {
			const peerId = await this.#host(actor, id, wanted.replica)
			const command = { kind: 'exec', workloadId: id, ...wanted } as const
			return { peerId, signed: await authority.request(actor.userId, peerId, command) }
		})
		let outcome = 'CANCELLED'
		let code: number | null = null
		try {
			for await (const frame of fleet.exec(request.peerId, request.signed, typed, signal)) {
				if (frame.type === 'exit') {
					outcome = 'ok'
					code = frame.code
				}
				if (frame.type === 'error') outcome = frame.error.code
				yield frame
			}
		} finally {
			await audit.record({ ...entry, action: 'workload.exec-end', outcome, facts: { code } })
		}
	}

	/** The host that has this replica, or the first that is there. The host itself asks again whose it is. */
	async #host(actor: Actor, id: string, replica: number | null): Promise<string> {
		const { database, fleet } = this.#modules
		const record = await findWorkload(database, id)
		if (record === null || record.deletedAt !== null || !maySee(actor, record.ownerId)) throw notFound(id)
		if (record.ownerId !== actor.userId) {
			throw new LatticeError('FORBIDDEN', 'Only its owner opens a terminal in a workload. Ask them.')
		}
		const holders = record.assignments.filter(
			({ state, ordered }) => state === 'taken' && (replica === null ? ordered.length > 0 : ordered.includes(replica)),
		)
		const there = holders.find(({ peerId }) => fleet.isReachable(peerId))
		if (there) return there.peerId
		const [away] = holders
		if (away) throw unreachable(away.nodeName)
		throw new LatticeError('WRONG_STATE', 'No node runs it; start the workload, then try again.', { replica })
	}
}
