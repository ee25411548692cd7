import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { generateKey } from '../../agent/identity/index.ts'
import { type ConsoleGround, consoleGround } from './console-ground.ts'
import { type PostgresServer, startPostgres } from './console-postgres.ts'

const PASSWORD = 'correct horse battery'
const HERE = { address: '192.0.2.1' }
let server: PostgresServer
let ground: ConsoleGround

beforeAll(async () => {
	server = await startPostgres()
})
afterAll(() => server.close())
beforeEach(async () => {
	ground = await consoleGround(server)
})
afterEach(() => ground.close())

describe('accounts', () => {
	it('let exactly one of several first users own the lattice', async () => {
		const { accounts } = ground
		expect(await accounts.isFresh()).toBe(true)
		const emails = Array.from({ length: 6 }, (_, index) => `user${index}@example.org`)
		const all = await Promise.all(emails.map((email) => accounts.register({ email, password: PASSWORD }, HERE)))
		expect(all.filter(({ user }) => user.role === 'owner')).toHaveLength(1)
		expect(all.filter(({ user }) => user.role === 'member')).toHaveLength(5)
		expect(await accounts.isFresh()).toBe(false)
	})

	it('know one person by one email, however it is typed', async () => {
		const { accounts } = ground
		await accounts.register({ email: '  Ada@Example.ORG ', password: PASSWORD }, HERE)
		const again = accounts.register({ email: 'ada@example.org', password: PASSWORD }, HERE)
		await expect(again).rejects.toMatchObject({ code: 'EMAIL_TAKEN' })
		const { user } = await accounts.login({ email: 'ADA@example.org', password: PASSWORD }, HERE)
		expect(user.email).toBe('ada@example.org')
	})

	it.each([
		['short', 'password: use at least 10'],
		['x'.repeat(73), 'password: use at most 72 bytes'],
		// 25 characters, 75 bytes
		['€'.repeat(25), 'password: use at most 72 bytes'],
		['null\0in the middle', 'password: has a character'],
	])('refuse the password %j', async (password, sentence) => {
		const registration = ground.accounts.register({ email: 'a@example.org', password }, HERE)
		await expect(registration).rejects.toMatchObject({
			code: 'INVALID_INPUT',
			message: expect.stringContaining(sentence),
		})
	})

	it('take a password of exactly 72 bytes whole, and not 72 bytes of a longer one', async () => {
		const { accounts } = ground
		const password = 'p'.repeat(72)
		await accounts.register({ email: 'a@example.org', password }, HERE)
		await accounts.login({ email: 'a@example.org', password }, HERE)
		const longer = accounts.login({ email: 'a@example.org', password: `${password}x` }, HERE)
		await expect(longer).rejects.toMatchObject({ code: 'BAD_CREDENTIALS' })
	})

	it('say the same, as slowly, of an unknown user and of a wrong password', async () => {
		const { accounts } = ground
		await accounts.register({ email: 'a@example.org', password: PASSWORD }, HERE)
		const attempt = async (email: string) => {
			const start = performance.now()
			const error = await accounts
				.login({ email, password: 'not the password' }, HERE)
				.catch((thrown: unknown) => thrown)
			return { error, ms: performance.now() - start }
		}
		const [wrong, unknown] = [await attempt('a@example.org'), await attempt('b@example.org')]
		expect(unknown.error).toEqual(wrong.error)
		// bcrypt at cost 12 takes about 250 ms; without it the answer comes in 5.
		expect(unknown.ms).toBeGreaterThan(wrong.ms / 4)
	})

	it('lock after ten failures of one account from one address, a burst included, and only that', async () => {
		const { accounts, clock } = ground
		const email = 'a@example.org'
		await accounts.register({ email, password: PASSWORD }, HERE)
		await accounts.login({ email, password: PASSWORD }, HERE)
		const burst = await Promise.all(
			Array.from({ length: 13 }, () =>
				accounts.login({ email, password: 'wrong' }, HERE).then(
					() => 'in',
					(error: { code: string }) => error.code,
				),
			),
		)
		expect(burst.filter((code) => code === 'BAD_CREDENTIALS')).toHaveLength(10)
		expect(burst.filter((code) => code === 'RATE_LIMITED')).toHaveLength(3)
		const locked = await accounts.login({ email, password: PASSWORD }, HERE).catch((error: unknown) => error)
		expect(locked).toMatchObject({ code: 'RATE_LIMITED', facts: { retryAfterSeconds: expect.any(Number) } })
		await accounts.login({ email, password: PASSWORD }, { address: '192.0.2.2' })
		clock.offsetMs = 15 * 60_000
		await accounts.login({ email, password: PASSWORD }, HERE)
	}, 60_000)

	it('rotate refresh tokens, and end the whole login when a spent one comes again', async () => {
		const { accounts, audit } = ground
		const first = await accounts.register({ email: 'a@example.org', password: PASSWORD }, HERE)
		const second = await accounts.refresh({ refreshToken: first.refreshToken }, HERE)
		const third = await accounts.refresh({ refreshToken: second.refreshToken }, HERE)
		await expect(accounts.refresh({ refreshToken: first.refreshToken }, HERE)).rejects.toMatchObject({
			code: 'REFRESH_REUSED',
		})
		await expect(accounts.refresh({ refreshToken: third.refreshToken }, HERE)).rejects.toMatchObject({
			code: 'UNAUTHENTICATED',
		})
		// Another login of the same person is not touched.
		const other = await accounts.login({ email: 'a@example.org', password: PASSWORD }, HERE)
		await accounts.refresh({ refreshToken: other.refreshToken }, HERE)
		const owner = await accounts.actorOfBearer(first.token, { ...HERE, via: 'api' })
		const lines = await audit.list(owner, {})
		expect(lines).toContainEqual(expect.objectContaining({ action: 'user.refresh', outcome: 'REFRESH_REUSED' }))
	})

	it('give one of two racing refreshes a token, and then none: neither can know which of them was stolen', async () => {
		const { accounts } = ground
		const { refreshToken } = await accounts.register({ email: 'a@example.org', password: PASSWORD }, HERE)
		const race = await Promise.allSettled([
			accounts.refresh({ refreshToken }, HERE),
			accounts.refresh({ refreshToken }, HERE),
		])
		const won = race.filter((result) => result.status === 'fulfilled')
		expect(won).toHaveLength(1)
		for (const { value } of won) {
			await expect(accounts.refresh({ refreshToken: value.refreshToken }, HERE)).rejects.toThrow()
		}
	})

	it('hold web sessions by a hash, end them at logout and after two weeks away', async () => {
		const { accounts, database, clock } = ground
		const { sessionId, user } = await accounts.registerForWeb({ email: 'a@example.org', password: PASSWORD }, HERE)
		expect(await accounts.actorOfSession(sessionId, HERE)).toMatchObject({ userId: user.id, role: 'owner', via: 'web' })
		const rows = await database.session.findMany()
		expect(JSON.stringify(rows)).not.toContain(sessionId)
		const again = await accounts.loginForWeb({ email: 'a@example.org', password: PASSWORD }, HERE)
		expect(again.sessionId).not.toBe(sessionId)
		await accounts.logoutWeb(sessionId)
		expect(await accounts.actorOfSession(sessionId, HERE)).toBeNull()
		clock.offsetMs = 15 * 86_400_000
		expect(await accounts.actorOfSession(again.sessionId, HERE)).toBeNull()
		expect(await accounts.actorOfSession('made up', HERE)).toBeNull()
	})

	it('read the role afresh for each token, and certify devices', async () => {
		const { accounts, database, lattice } = ground
		const { token, user } = await accounts.register({ email: 'a@example.org', password: PASSWORD }, HERE)
		await database.user.update({ where: { id: user.id }, data: { role: 'member' } })
		const actor = await accounts.actorOfBearer(token, { ...HERE, via: 'cli' })
		expect(actor.role).toBe('member')
		const { publicKey } = generateKey()
		const device = await accounts.device(actor, { publicKey })
		expect(device.latticeId).toBe(lattice.latticeId)
		expect(device.issuers).toEqual(lattice.trust.issuers())
		await expect(accounts.device(actor, { publicKey: 'x' })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
		await accounts.device(actor, { publicKey })
		const other = await accounts.register({ email: 'b@example.org', password: PASSWORD }, HERE)
		const stranger = await accounts.actorOfBearer(other.token, { ...HERE, via: 'cli' })
		await expect(accounts.device(stranger, { publicKey })).rejects.toMatchObject({ code: 'FORBIDDEN' })
		const row = await database.device.findUnique({ where: { publicKey } })
		expect(row?.userId).toBe(user.id)
	})
})

describe('closed registration', () => {
	it('lets the first user in and nobody else', async () => {
		const closed = await consoleGround(server, { registration: 'closed' })
		try {
			await closed.accounts.register({ email: 'a@example.org', password: PASSWORD }, HERE)
			const second = closed.accounts.register({ email: 'b@example.org', password: PASSWORD }, HERE)
			await expect(second).rejects.toMatchObject({ code: 'FORBIDDEN' })
		} finally {
			await closed.close()
		}
	})
})
