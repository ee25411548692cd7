import { type MembershipClaims, peekClaim, type Subject } from '../../agent/identity/index.ts'
import {
	CLOCK_LEEWAY_S,
	type CommandFrame,
	type CommandOf,
	type CommandRequest,
	CommandResult,
	LatticeError,
	parseInput,
} from '../../agent/protocol/index.ts'
import { templateOf } from '../../agent/templates/catalogue.ts'
import type { Template } from '../../agent/templates/template.ts'
import type { Database } from '../models/database.server.ts'
import { markGrantSeen } from '../models/seen-grant.server.ts'
import { findByCommand, withdrawClaim } from '../models/workload.server.ts'
import type { AuditTrail } from './audit.server.ts'
import type { Decisions } from './decisions.server.ts'
import type { LatticeKeys } from './lattice.server.ts'
import type { LiveBus } from './live.server.ts'
import type { WorkloadService } from './workloads.server.ts'

export interface EntryClaimsModules {
	database: Database
	lattice: LatticeKeys
	consolePeerId: string
	workloads: Pick<WorkloadService, 'reserve'>
	decisions: Pick<Decisions, 'forEntry'>
	audit: AuditTrail
	live: LiveBus
	log: { warn(facts: object, message: string): void }
}

/** Orders that people gave to an agent: while this console is here it alone reserves their names (design.md, Exactly one effect). */
export class EntryClaims {
	readonly #modules: EntryClaimsModules

	constructor(modules: EntryClaimsModules) {
		this.#modules = modules
	}

	async *handle(request: CommandRequest, context: { from: MembershipClaims }): AsyncIterable<CommandFrame> {
		const { command } = request
		try {
			const subject = await this.#verify(request)
			if (command.kind === 'claim') yield { type: 'result', result: await this.#claim(command, subject, context.from) }
			else if (command.kind === 'unclaim') yield { type: 'result', result: await this.#unclaim(command, subject) }
			else
				throw new LatticeError('WRONG_STATE', 'A console runs no workloads; send this to a node.', {
					kind: command.kind,
				})
		} catch (thrown) {
			const error = LatticeError.from(thrown)
			if (error.code === 'INTERNAL') throw thrown
			const facts = { peer: context.from.peerId, kind: command.kind, code: error.code, reason: error.message }
			this.#modules.log.warn(facts, 'a command of a peer was refused')
			yield { type: 'error', error: error.toJSON() }
		}
	}

	async #verify({ credential, grant, command }: CommandRequest): Promise<Subject> {
		const { lattice, consolePeerId, database } = this.#modules
		const authority = await lattice.trust.verifyAuthority({ credential, grant, command, audience: consolePeerId })
		const keepUntil = new Date((authority.expiresAt + CLOCK_LEEWAY_S) * 1000)
		if (!(await markGrantSeen(database, authority.jti, keepUntil))) {
			throw new LatticeError('GRANT_REPLAYED', 'This grant was used before; sign a new one for each attempt.')
		}
		return authority.subject
	}

	async #claim(command: CommandOf<'claim'>, subject: Subject, from: MembershipClaims): Promise<CommandResult> {
		const { database, workloads, decisions, audit } = this.#modules
		const { name, type, commandId } = command
		const template: Template = templateOf(type)
		const config = parseInput(template.schema, command.config, ['config'])
		if (command.placement === null && (await findByCommand(database, subject.userId, commandId)) === null) {
			throw new LatticeError('NOT_FOUND', 'Nobody has placed this order.')
		}
		const facts = { type, commandId, by: from.name }
		const entry = { actor: subject.userId, via: 'mesh', action: 'workload.deploy', subject: name, facts }
		// Another one may be working on the order already; before it is decided who runs it nothing can have come of it.
		const order = { kind: 'claimed', by: from.peerId, attempt: command.attempt, shared: true } as const
		const held = await audit.around(entry, async () => {
			const record = await workloads.reserve({ ownerId: subject.userId, name, type, config, commandId, order })
			return decisions.forEntry(record.id, command, from.peerId)
		})
		return CommandResult.parse({ claim: held })
	}

	async #unclaim(command: CommandOf<'unclaim'>, subject: Subject): Promise<CommandResult> {
		const { database, live } = this.#modules
		const record = await findByCommand(database, subject.userId, command.commandId)
		const isOpen = record?.order?.kind === 'claimed' && record.name === command.name && record.claim !== ''
		if (isOpen && peekClaim(record.claim).decision === command.decision) {
			if (await withdrawClaim(database, record)) {
				live.publish({ type: 'removed', workloadId: record.id, data: 'none' }, record.ownerId)
			}
		}
		return CommandResult.parse({})
	}
}
