import { issueRevocation } from '../../agent/identity/index.ts'
import { LatticeError, MEMBERSHIP_TTL_S, parseInput, RENEW_GRACE_S } from '../../agent/protocol/index.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Database } from '../models/database.server.ts'
import { findNode, listNodes, markDeparted } from '../models/node.server.ts'
import type { AuditTrail } from './audit.server.ts'
import type { LatticeKeys } from './lattice.server.ts'
import { NodeInput } from './node-inputs.ts'
import type { Records } from './records.server.ts'
import type { Actor } from './services.ts'

export interface DeparturesModules {
	database: Database
	lattice: Pick<LatticeKeys, 'latticeId' | 'issuer' | 'trust'>
	fleet: Pick<Fleet, 'forget'>
	records: Pick<Records, 'lost'>
	audit: AuditTrail
}

/** How nodes cease to be members: removed by an admin, or by leaving. Workloads that they hold are recorded as lost. */
export class Departures {
	readonly #modules: DeparturesModules

	constructor(modules: DeparturesModules) {
		this.#modules = modules
	}

	/** Removed nodes stay so after a restart of this console: what says it is signed anew while it can still matter. */
	async start(): Promise<void> {
		const horizon = Date.now() - (MEMBERSHIP_TTL_S + RENEW_GRACE_S) * 1000
		for (const { peerId, revokedAt } of await listNodes(this.#modules.database)) {
			if (revokedAt !== null && revokedAt.getTime() > horizon) await this.#revoke(peerId)
		}
	}

	/** The revocation spreads from member to member; each hangs up on the node as it hears of it. */
	async remove(actor: Actor, input: unknown): Promise<void> {
		const { database, records, fleet, audit } = this.#modules
		const { peerId } = parseInput(NodeInput, input)
		const facts = { address: actor.address }
		await audit.around(
			{ actor: actor.userId, via: actor.via, action: 'node.remove', subject: peerId, facts },
			async () => {
				if (actor.role === 'member') {
					throw new LatticeError(
						'FORBIDDEN',
						'Only the owner and admins of this lattice remove machines. Ask one of them.',
					)
				}
				const node = await findNode(database, peerId)
				if (node === null)
					throw new LatticeError('NOT_FOUND', `There is no node ${peerId} in this lattice.`, { peerId })
				await markDeparted(database, node, 'revokedAt')
				await this.#revoke(peerId)
				await fleet.forget(peerId)
				await records.lost(peerId)
			},
		)
	}

	/** It said so itself, in words that it signed. */
	async left(peerId: string): Promise<void> {
		const { database, records, audit } = this.#modules
		const node = await findNode(database, peerId)
		if (node === null || node.leftAt !== null || node.revokedAt !== null) return
		await markDeparted(database, node, 'leftAt')
		await records.lost(peerId)
		await audit.record({ actor: peerId, via: 'mesh', action: 'node.leave', subject: peerId, outcome: 'ok' })
	}

	async #revoke(peerId: string): Promise<void> {
		const { latticeId, issuer, trust } = this.#modules.lattice
		await trust.applyRevocation(await issueRevocation(issuer, { latticeId, kind: 'node', subject: peerId }))
	}
}
