import { randomUUID } from 'node:crypto'
import { issueClaim, peekClaim } from '../../agent/identity/index.ts'
import {
	CLAIM_REFRESH_AFTER_S,
	type ClaimGiven,
	type CommandOf,
	LatticeError,
	type Placement,
} from '../../agent/protocol/index.ts'
import { claimKey, witnessOf } from '../../agent/scheduler/claimer.ts'
import { type Decision, ruleOn } from '../../agent/scheduler/decisions.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { type Database, inTransaction } from '../models/database.server.ts'
import { findWorkload, lockWorkload, updateWorkload, type WorkloadRecord } from '../models/workload.server.ts'
import type { HostCommands } from './host-commands.server.ts'
import type { LatticeKeys } from './lattice.server.ts'
import { claimedName, given } from './placing.server.ts'

const WITNESS_TIMEOUT_MS = 2_000

export interface DecisionsModules {
	database: Database
	lattice: Pick<LatticeKeys, 'latticeId' | 'issuer'>
	fleet: Pick<Fleet, 'peerId' | 'views'>
	commands: Pick<HostCommands, 'result'>
	log: { warn(facts: object, message: string): void }
}

type About = Pick<WorkloadRecord, 'id' | 'ownerId' | 'name' | 'commandId' | 'claim'>
type Decided = Pick<Decision, 'id' | 'generation' | 'placement'>

/** Who runs an order, decided and signed by this console: one decision at a time, the same for all who work on it. */
export class Decisions {
	readonly #modules: DecisionsModules

	constructor(modules: DecisionsModules) {
		this.#modules = modules
	}

	/** What an entry may do with the order of this record, which it reserved. */
	async forEntry(id: string, asked: CommandOf<'claim'>, entry: string): Promise<ClaimGiven> {
		return inTransaction(this.#modules.database, async (queries) => {
			await lockWorkload(queries, id)
			const record = await findWorkload(queries, id)
			if (record === null) throw new LatticeError('INTERRUPTED', 'The order was given back meanwhile; give it again.')
			refusePlacing(record)
			const held = heldBy(record)
			const { placement, attempt, after } = asked
			const ruling = ruleOn(held, { placement, attempt, after }, Date.now())
			if (ruling !== 'next' && held !== null) {
				const shared = held.shared || held.attempt !== attempt
				const token = ruling === 'refresh' ? await this.#sign(record, held) : record.claim
				const order = record.order?.kind === 'claimed' ? { ...record.order, shared } : null
				await updateWorkload(queries, id, { claim: token, ...(order && { order }) })
				return givenTo(record, token, held, !shared)
			}
			if (placement === null) throw new LatticeError('NOT_FOUND', 'Nobody has placed this order.')
			const decided = { id: randomUUID(), generation: (held?.generation ?? 0) + 1, placement }
			const claim = await this.#sign(record, decided)
			// What runs is only scaled: its record follows the hosts.
			const isRunning = record.order === null && given(record).length > 0
			const order = { kind: 'claimed', by: entry, attempt, shared: false } as const
			await updateWorkload(queries, id, { claim, ...(!isRunning && { placement, order, failure: null }) })
			return givenTo(record, claim, decided, true)
		})
	}

	/** A new decision of the console's own. */
	sign(record: WorkloadRecord, placement: Placement): Promise<string> {
		const generation = (record.claim === '' ? 0 : peekClaim(record.claim).generation) + 1
		return this.#sign(record, { id: randomUUID(), generation, placement })
	}

	/** The same decision for a host that is asked late: a claim places an order for minutes only. */
	async fresh(record: WorkloadRecord, claim: string, placement: Placement): Promise<string> {
		const { decision: id, generation, issuedAt } = peekClaim(claim)
		if (Date.now() / 1000 - issuedAt < CLAIM_REFRESH_AFTER_S) return claim
		return this.#sign(record, { id, generation, placement })
	}

	/**
	 * Tells the agent that is asked when this console is gone. Another decision when that one knows better: it gave the
	 * order to somebody while this console was away.
	 */
	async witnessed(record: WorkloadRecord, claim: string, placement: Placement): Promise<ClaimGiven | null> {
		const { fleet, commands, log } = this.#modules
		const { id: workloadId, commandId, ownerId } = record
		const name = claimedName(record)
		const agents = fleet.views().filter(({ liveness }) => liveness === 'alive')
		const seen = { console: fleet.peerId, agents: agents.map(({ status }) => status.peerId) }
		const witness = witnessOf(seen, claimKey(ownerId, name), fleet.peerId)
		if (witness === null) return null
		const command = { kind: 'witness', commandId, workloadId, name, placement, claim } as const
		try {
			const { claim: stands } = await commands.result(ownerId, witness, command, WITNESS_TIMEOUT_MS)
			return stands && stands.decision !== peekClaim(claim).decision ? stands : null
		} catch (thrown) {
			const { code } = LatticeError.from(thrown)
			if (code !== 'HOST_UNREACHABLE' && code !== 'TIMEOUT') throw thrown
			// It is about to be found dead; then nobody asks it.
			log.warn({ workload: workloadId, peer: witness, code }, 'a claim has no witness')
			return null
		}
	}

	#sign(record: About, decided: Decided): Promise<string> {
		const { lattice, fleet } = this.#modules
		const { id: workloadId, ownerId: owner, commandId } = record
		const name = claimedName(record)
		const { id: decision, generation, placement } = decided
		const order = { latticeId: lattice.latticeId, owner, name, commandId, workloadId, by: fleet.peerId }
		return issueClaim(lattice.issuer, { ...order, decision, generation, chosen: placement.chosen })
	}
}

/** The console is one of those that work on it, and the only one that decides: it goes by what it sent to whom. */
function refusePlacing({ id, deletedAt, order }: WorkloadRecord): void {
	if (deletedAt === null && (order === null || order.kind === 'claimed')) return
	throw new LatticeError(
		'WRONG_STATE',
		'This order was given before and is being carried out; look at the workload instead of ordering it again.',
		{ workloadId: id, placing: deletedAt === null },
	)
}

function heldBy({ claim, placement, order }: WorkloadRecord): Decision | null {
	if (claim === '' || placement === null) return null
	const { decision: id, generation, issuedAt } = peekClaim(claim)
	const { attempt, shared } = order?.kind === 'claimed' ? order : { attempt: '', shared: true }
	return { id, generation, placement, attempt, shared, signedAt: issuedAt * 1000 }
}

function givenTo(record: About, token: string, decided: Decided, own: boolean): ClaimGiven {
	const { id: decision, generation, placement } = decided
	return { token, workloadId: record.id, decision, generation, placement, own }
}
