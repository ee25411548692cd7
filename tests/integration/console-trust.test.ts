import { randomBytes } from 'node:crypto'
import { chmod, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { holdLease, releaseLease } from '../../app/models/lease.server.ts'
import { AuditTrail } from '../../app/services/audit.server.ts'
import { openLattice } from '../../app/services/lattice.server.ts'
import { loadMasterKeys } from '../../app/services/master-key.server.ts'
import { type ConsoleGround, consoleGround } from './console-ground.ts'
import { type PostgresServer, startPostgres } from './console-postgres.ts'

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

const open = (home = ground.home, file: string | null = null) =>
	openLattice(ground.database, (create) => loadMasterKeys({ home, file, create }))

describe('the lattice keys', () => {
	it('are made once, also when two consoles start on one empty database', async () => {
		const { database, home } = ground
		await database.lattice.deleteMany()
		const both = await Promise.all([open(), open()])
		expect(both[0].latticeId).toBe(both[1].latticeId)
		expect(both[0].issuer).toEqual(both[1].issuer)
		expect(await database.lattice.count()).toBe(1)
		expect((await open(home)).latticeId).toBe(both[0].latticeId)
	})

	it('are in the database sealed only', async () => {
		const text = JSON.stringify(await ground.database.latticeKey.findMany())
		expect(text).not.toContain(ground.lattice.issuer.seed)
		for (const secret of ground.lattice.cookieSecrets) expect(text).not.toContain(secret)
	})

	it('stay closed to another master key, and to none', async () => {
		const file = path.join(ground.home, 'master.key')
		await writeFile(file, randomBytes(32).toString('hex'), { mode: 0o600 })
		await expect(open()).rejects.toMatchObject({ code: 'NOT_READY', message: expect.stringContaining('does not open') })
		await rm(file)
		await expect(open()).rejects.toMatchObject({ code: 'NOT_READY', message: expect.stringContaining(file) })
	})

	it.each([
		['', 'is empty'],
		['short', '32 bytes'],
		['correct horse battery staple, and more words', '32 bytes'],
		['00'.repeat(32), 'weak'],
	])('want a real master key: %j is refused', async (text, problem) => {
		const file = path.join(ground.home, 'given.key')
		await writeFile(file, text, { mode: 0o600 })
		await expect(open(ground.home, file)).rejects.toMatchObject({ message: expect.stringContaining(problem) })
	})

	it('want a master key that others cannot read', async () => {
		await chmod(path.join(ground.home, 'master.key'), 0o644)
		await expect(open()).rejects.toMatchObject({ message: expect.stringContaining('chmod 600') })
	})

	it('follow a rotation of the master key, so that the old line can be taken out', async () => {
		const file = path.join(ground.home, 'master.key')
		const old = await readFile(file, 'utf8')
		const fresh = `${randomBytes(32).toString('base64url')}\n`
		await writeFile(file, fresh + old, { mode: 0o600 })
		const rotated = await open()
		await writeFile(file, fresh, { mode: 0o600 })
		expect((await open()).issuer).toEqual(rotated.issuer)
		expect(rotated.issuer).toEqual(ground.lattice.issuer)
	})

	it('renew the issuer long before it ends; the old one stays known', async () => {
		const later = Date.now() + 600 * 86_400_000
		const renewed = await openLattice(
			ground.database,
			(create) => loadMasterKeys({ home: ground.home, file: null, create }),
			() => later,
		)
		expect(renewed.issuer.kid).not.toBe(ground.lattice.issuer.kid)
		expect(renewed.trust.issuers()).toHaveLength(2)
	})
})

describe('the audit chain', () => {
	const entry = (subject: string) => ({ actor: 'u_1', via: 'api', action: 'test', subject, outcome: 'ok' })

	it('is one chain, also when two consoles write at once', async () => {
		const { database, audit } = ground
		const other = new AuditTrail(database)
		const writes = Array.from({ length: 20 }, (_, index) => (index % 2 ? audit : other).record(entry(`s${index}`)))
		await Promise.all(writes)
		expect(await audit.verify()).toEqual({ intact: true, rows: 20 })
	})

	it('shows a changed row, a removed row and a forged hash', async () => {
		const { database, audit } = ground
		for (let index = 0; index < 5; index += 1) await audit.record(entry(`s${index}`))
		const row = await database.auditEvent.findUniqueOrThrow({ where: { seq: 3n } })
		await database.auditEvent.update({ where: { seq: 3n }, data: { subject: 'another' } })
		expect(await audit.verify()).toMatchObject({
			intact: false,
			brokenAt: 3n,
			reason: expect.stringContaining('changed'),
		})
		await database.auditEvent.update({ where: { seq: 3n }, data: { subject: row.subject, hash: 'f'.repeat(64) } })
		expect(await audit.verify()).toMatchObject({ intact: false, brokenAt: 3n })
		await database.auditEvent.delete({ where: { seq: 3n } })
		expect(await audit.verify()).toMatchObject({
			intact: false,
			brokenAt: 4n,
			reason: expect.stringContaining('missing'),
		})
	})

	it('shows a member what they did, and no more', async () => {
		const { audit } = ground
		await audit.record({ ...entry('mine'), actor: 'u_member' })
		await audit.record(entry('theirs'))
		const actor = { userId: 'u_member', email: 'm@example.org', role: 'member', via: 'web', address: '' } as const
		expect((await audit.list(actor, {})).map(({ subject }) => subject)).toEqual(['mine'])
		expect(await audit.list({ ...actor, role: 'admin' }, {})).toHaveLength(2)
	})
})

describe('a lease', () => {
	it('has one holder at a time, passes on when it ends, and can be prolonged', async () => {
		const { database } = ground
		const race = await Promise.all(['a', 'b', 'c'].map((holder) => holdLease(database, 'job', holder, 60)))
		expect(race.filter(Boolean)).toHaveLength(1)
		const holder = ['a', 'b', 'c'][race.indexOf(true)] ?? ''
		expect(await holdLease(database, 'job', holder, 60)).toBe(true)
		expect(await holdLease(database, 'job', 'd', 60)).toBe(false)
		await holdLease(database, 'job', holder, -1)
		expect(await holdLease(database, 'job', 'd', 60)).toBe(true)
		await releaseLease(database, 'job', 'd')
		expect(await holdLease(database, 'job', 'e', 60)).toBe(true)
	})
})
