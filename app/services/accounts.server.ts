import { z } from 'zod'
import { issueAccessToken, issueDevice, type UserRole } from '../../agent/identity/index.ts'
import { DEVICE_TTL_S, LatticeError, type Member, parseInput } from '../../agent/protocol/index.ts'
import type { Database } from '../models/database.server.ts'
import { isUniqueViolation } from '../models/database-error.server.ts'
import { isRevokedDevice, saveDevice } from '../models/device.server.ts'
import { hasOwner } from '../models/lattice.server.ts'
import { createRefreshFamily, rotateRefreshToken } from '../models/refresh-token.server.ts'
import { createSession, deleteSession, extendSession, findSession } from '../models/session.server.ts'
import { createUser, findUser, findUserByEmail, type User } from '../models/user.server.ts'
import type { AuditTrail } from './audit.server.ts'
import type { LatticeKeys } from './lattice.server.ts'
import { LoginLimit } from './login-limit.server.ts'
import { GivenPassword, hashPassword, isPassword, NewPassword } from './password.server.ts'
import type { Accounts, Actor, TokenSet, UserView } from './services.ts'

const DAY_MS = 86_400_000
/** From the last visit. */
const SESSION_MS = 14 * DAY_MS
/** A visit moves the end of its session at most this often. */
const SESSION_TOUCH_MS = 5 * 60_000
/** From the login, however often it is rotated. */
const REFRESH_MS = 30 * DAY_MS

const Email = z
	.string({ error: 'is missing' })
	.transform((email) => email.trim().normalize('NFC').toLowerCase())
	.pipe(z.email('is not an email address').max(254, 'is too long'))

const Registration = z.strictObject({ email: Email, password: NewPassword })
const Login = z.strictObject({ email: Email, password: GivenPassword })
const Refresh = z.strictObject({ refreshToken: z.string({ error: 'is missing' }).max(256) })
const Device = z.strictObject({
	publicKey: z
		.string({ error: 'is missing' })
		.regex(/^[A-Za-z0-9_-]{43}$/, 'is not an Ed25519 key (32 bytes in base64url)'),
})

interface Client {
	address: string
}

export interface AccountsModules {
	database: Database
	lattice: LatticeKeys
	audit: AuditTrail
	/** where a device finds the lattice without the console */
	members: () => Member[]
}

export interface AccountsOptions {
	registration: 'open' | 'closed'
	now?: () => number
}

export class AccountService implements Accounts {
	readonly #options: AccountsOptions
	readonly #modules: AccountsModules
	readonly #now: () => number
	readonly #limit: LoginLimit

	constructor(options: AccountsOptions, modules: AccountsModules) {
		this.#options = options
		this.#modules = modules
		this.#now = options.now ?? Date.now
		this.#limit = new LoginLimit(modules.database, this.#now)
	}

	async register(input: unknown, client: Client): Promise<TokenSet> {
		return this.#tokens(await this.#register(input, client, 'api'))
	}

	async login(input: unknown, client: Client): Promise<TokenSet> {
		return this.#tokens(await this.#login(input, client, 'api'))
	}

	async registerForWeb(input: unknown, client: Client) {
		return this.#session(await this.#register(input, client, 'web'), client)
	}

	async loginForWeb(input: unknown, client: Client) {
		return this.#session(await this.#login(input, client, 'web'), client)
	}

	async refresh(input: unknown, client: Client): Promise<TokenSet> {
		const { database, audit } = this.#modules
		const { refreshToken } = parseInput(Refresh, input)
		const rotation = await rotateRefreshToken(database, refreshToken, new Date(this.#now()))
		if (rotation.outcome === 'rotated') {
			const user = await findUser(database, rotation.userId)
			if (user !== null) return this.#tokens(user, rotation.refreshToken)
		}
		if (rotation.outcome === 'reused') {
			const { userId } = rotation
			const facts = { address: client.address }
			await audit.record({
				actor: userId,
				via: 'api',
				action: 'user.refresh',
				subject: userId,
				outcome: 'REFRESH_REUSED',
				facts,
			})
			throw new LatticeError(
				'REFRESH_REUSED',
				'This refresh token was used before, so somebody else may hold it. All tokens of this login are void; log in again.',
			)
		}
		if (rotation.outcome === 'expired') throw new LatticeError('TOKEN_EXPIRED', 'This login has ended; log in again.')
		throw new LatticeError('UNAUTHENTICATED', 'This refresh token is not valid; log in again.')
	}

	async logoutWeb(sessionId: string): Promise<void> {
		const { database, audit } = this.#modules
		const userId = await deleteSession(database, sessionId)
		if (userId !== null) {
			await audit.record({ actor: userId, via: 'web', action: 'user.logout', subject: userId, outcome: 'ok' })
		}
	}

	async actorOfSession(sessionId: string, client: Client): Promise<Actor | null> {
		const { database } = this.#modules
		const now = this.#now()
		const session = await findSession(database, sessionId, new Date(now))
		if (session === null) return null
		const user = await findUser(database, session.userId)
		if (user === null) return null
		if (session.lastSeenAt.getTime() < now - SESSION_TOUCH_MS) {
			const seen = { lastSeenAt: new Date(now), expiresAt: new Date(now + SESSION_MS) }
			await extendSession(database, session.hash, seen)
		}
		return { userId: user.id, email: user.email, role: user.role, via: 'web', address: client.address }
	}

	/** The role is read afresh: one that was taken away ends at once, not with the token. */
	async actorOfBearer(bearer: string, client: Client & { via: 'api' | 'cli' }): Promise<Actor> {
		const { userId } = await this.#modules.lattice.trust.verifyBearer(bearer)
		const user = await this.#existing(userId)
		return { userId, email: user.email, role: user.role, via: client.via, address: client.address }
	}

	async device(actor: Actor, input: unknown) {
		const { database, lattice, audit, members } = this.#modules
		const { publicKey } = parseInput(Device, input)
		const { latticeId, rootPublicKey, trust, issuer } = lattice
		const user = await this.#existing(actor.userId)
		if (await isRevokedDevice(database, publicKey)) {
			throw new LatticeError('REVOKED', 'This device was removed in the settings; log in again, with a new key.')
		}
		const expiresAt = new Date(this.#now() + DEVICE_TTL_S * 1000)
		const isTheirs = await saveDevice(database, { publicKey, userId: user.id, address: actor.address, expiresAt })
		if (!isTheirs) {
			throw new LatticeError('FORBIDDEN', 'This key is the device of another account; log in with a new key.')
		}
		const certificate = await issueDevice(issuer, {
			latticeId,
			user: tokenUser(user),
			version: user.tokenVersion,
			publicKey,
		})
		const facts = { publicKey, address: actor.address }
		await audit.record({
			actor: user.id,
			via: actor.via,
			action: 'user.device',
			subject: user.id,
			outcome: 'ok',
			facts,
		})
		return { certificate, members: members(), latticeId, rootPublicKey, issuers: trust.issuers() }
	}

	async isFresh(): Promise<boolean> {
		return !(await hasOwner(this.#modules.database))
	}

	async #register(input: unknown, client: Client, via: Actor['via']): Promise<User> {
		const { database, audit } = this.#modules
		const { email, password } = parseInput(Registration, input)
		if (this.#options.registration === 'closed' && (await hasOwner(database))) {
			throw new LatticeError('FORBIDDEN', 'Registration is closed here. Ask the owner of this lattice for an account.')
		}
		const passwordHash = await hashPassword(password)
		const user = await createUser(database, { email, passwordHash }).catch((error: unknown) => {
			if (!isUniqueViolation(error)) throw error
			throw new LatticeError('EMAIL_TAKEN', 'There is an account with this email; log in instead.', { email })
		})
		const facts = { role: user.role, address: client.address }
		await audit.record({ actor: user.id, via, action: 'user.register', subject: user.id, outcome: 'ok', facts })
		return user
	}

	async #login(input: unknown, client: Client, via: Actor['via']): Promise<User> {
		const { database, audit } = this.#modules
		const { email, password } = parseInput(Login, input)
		let known: string | null = null
		const user = await this.#limit.attempt({ email, address: client.address }, async () => {
			const candidate = await findUserByEmail(database, email)
			known = candidate?.id ?? null
			const matches = await isPassword(password, candidate?.passwordHash ?? null)
			return matches ? candidate : null
		})
		const facts = { address: client.address }
		if (user === null) {
			// What was typed as an email may be a password: only an account that exists is named.
			const subject = known ?? 'unknown'
			await audit.record({ actor: subject, via, action: 'user.login', subject, outcome: 'BAD_CREDENTIALS', facts })
			throw new LatticeError('BAD_CREDENTIALS', 'Email or password is wrong. Check both, or register first.')
		}
		await audit.record({ actor: user.id, via, action: 'user.login', subject: user.id, outcome: 'ok', facts })
		return user
	}

	async #tokens(user: User, rotated?: string): Promise<TokenSet> {
		const { database, lattice } = this.#modules
		const { latticeId, issuer } = lattice
		const expiresAt = new Date(this.#now() + REFRESH_MS)
		const refreshToken = rotated ?? (await createRefreshFamily(database, { userId: user.id, expiresAt }))
		const token = await issueAccessToken(issuer, { latticeId, user: tokenUser(user), version: user.tokenVersion })
		return { token: token.bearer, refreshToken, user: userView(user) }
	}

	/** Always a new id: one that was planted before the login is worth nothing after it. */
	async #session(user: User, client: Client): Promise<{ sessionId: string; user: UserView }> {
		const expiresAt = new Date(this.#now() + SESSION_MS)
		const { database } = this.#modules
		const sessionId = await createSession(database, { userId: user.id, address: client.address, expiresAt })
		return { sessionId, user: userView(user) }
	}

	async #existing(userId: string): Promise<User> {
		const user = await findUser(this.#modules.database, userId)
		if (user === null) throw new LatticeError('UNAUTHENTICATED', 'This account no longer exists; register again.')
		return user
	}
}

function tokenUser(user: User): { id: string; email: string; role: UserRole } {
	return { id: user.id, email: user.email, role: user.role }
}

export function userView(user: { id: string; email: string; role: UserRole }): UserView {
	return { id: user.id, email: user.email, role: user.role }
}
