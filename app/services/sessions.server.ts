import { z } from 'zod'
import { issueRevocation } from '../../agent/identity/index.ts'
import { LatticeError, parseInput } from '../../agent/protocol/index.ts'
import type { Database } from '../models/database.server.ts'
import { devicesOf, markRevoked, revokedDevices } from '../models/device.server.ts'
import { hashOf } from '../models/ids.server.ts'
import { loginsOf, revokeLogin } from '../models/refresh-token.server.ts'
import { deleteSessionOf, sessionsOf } from '../models/session.server.ts'
import type { AuditTrail } from './audit.server.ts'
import type { LatticeKeys } from './lattice.server.ts'
import type { Actor, Sessions, SessionView } from './services.ts'

const RevokeInput = z.strictObject({ kind: z.enum(['web', 'api', 'device']), id: z.string().min(1).max(128) })

export interface SessionsModules {
	database: Database
	lattice: Pick<LatticeKeys, 'latticeId' | 'issuer' | 'trust'>
	audit: AuditTrail
}

/** Where a person is logged in, and how each of them ends: browsers, API clients, devices of the CLI. One's own only. */
export class SessionService implements Sessions {
	readonly #modules: SessionsModules

	constructor(modules: SessionsModules) {
		this.#modules = modules
	}

	/** Devices that were revoked stay so after a restart of this console: what says it is signed anew while it matters. */
	async start(): Promise<void> {
		for (const { publicKey } of await revokedDevices(this.#modules.database, new Date())) await this.#revoke(publicKey)
	}

	async list(actor: Actor, currentSession: string | null): Promise<SessionView[]> {
		const { database } = this.#modules
		const now = new Date()
		const [web, api, devices] = await Promise.all([
			sessionsOf(database, actor.userId, now),
			loginsOf(database, actor.userId, now),
			devicesOf(database, actor.userId, now),
		])
		const current = currentSession === null ? null : hashOf(currentSession)
		return [
			...web.map(({ hash, ...row }) => ({ kind: 'web' as const, id: hash, ...row, current: hash === current })),
			...api.map((row) => ({ kind: 'api' as const, ...row, address: null, current: false })),
			...devices.map(({ publicKey, address, createdAt, expiresAt }) => ({
				kind: 'device' as const,
				id: publicKey,
				address,
				createdAt,
				lastSeenAt: null,
				expiresAt,
				current: false,
			})),
		].map(({ createdAt, lastSeenAt, expiresAt, ...row }) => ({
			...row,
			createdAt: createdAt.toISOString(),
			lastSeenAt: lastSeenAt?.toISOString() ?? null,
			expiresAt: expiresAt.toISOString(),
		}))
	}

	async revoke(actor: Actor, input: unknown): Promise<void> {
		const { database, audit } = this.#modules
		const { kind, id } = parseInput(RevokeInput, input)
		const entry = { actor: actor.userId, via: actor.via, action: `session.revoke-${kind}`, subject: actor.userId }
		await audit.around({ ...entry, facts: { address: actor.address } }, async () => {
			if (!(await this.#end(database, actor.userId, kind, id))) {
				throw new LatticeError('NOT_FOUND', 'This login has ended already. Load the page again.')
			}
		})
	}

	async #end(database: Database, userId: string, kind: SessionView['kind'], id: string): Promise<boolean> {
		if (kind === 'web') return deleteSessionOf(database, userId, id)
		if (kind === 'api') return revokeLogin(database, userId, id, new Date())
		if (!(await markRevoked(database, userId, id, new Date()))) return false
		await this.#revoke(id)
		return true
	}

	/** It spreads from member to member: agents refuse the device also while this console is away. */
	async #revoke(publicKey: string): Promise<void> {
		const { latticeId, issuer, trust } = this.#modules.lattice
		await trust.applyRevocation(await issueRevocation(issuer, { latticeId, kind: 'device', subject: publicKey }))
	}
}
