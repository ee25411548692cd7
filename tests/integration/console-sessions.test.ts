import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { generateKey, peerIdOf } from '../../agent/identity/index.ts'
import { openLattice } from '../../app/services/lattice.server.ts'
import { loadMasterKeys } from '../../app/services/master-key.server.ts'
import { SETTLED_MS, SecretRotation } from '../../app/services/secret-rotation.server.ts'
import type { Actor } from '../../app/services/services.ts'
import { SessionService } from '../../app/services/sessions.server.ts'
import { type ConsoleGround, consoleGround } from './console-ground.ts'
import { type PostgresServer, startPostgres } from './console-postgres.ts'

const CLIENT = { address: '192.0.2.7' }
const ADA = { email: 'ada@example.org', password: 'correct horse battery' }
let server: PostgresServer
let ground: ConsoleGround
let sessions: SessionService
let actor: Actor
let browser: string

beforeAll(async () => {
	server = await startPostgres()
})
afterAll(() => server?.close())
beforeEach(async () => {
	ground = await consoleGround(server)
	const { database, lattice, audit } = ground
	sessions = new SessionService({ database, lattice, audit })
	const { user, sessionId } = await ground.accounts.registerForWeb(ADA, CLIENT)
	browser = sessionId
	actor = { userId: user.id, email: user.email, role: user.role, via: 'web', address: CLIENT.address }
})
afterEach(() => ground.close())

describe('sessions and devices', () => {
	it('are listed, and each is ended by its own user only', async () => {
		const { refreshToken } = await ground.accounts.login(ADA, CLIENT)
		const key = generateKey()
		const { certificate } = await ground.accounts.device(actor, { publicKey: key.publicKey })
		const trusted = () => ground.lattice.trust.verifyMembership(certificate, { peerId: peerIdOf(key.publicKey) })
		await trusted()
		const list = await sessions.list(actor, browser)
		expect(list.map(({ kind, address, current }) => [kind, address, current])).toEqual([
			['web', CLIENT.address, true],
			['api', null, false],
			['device', CLIENT.address, false],
		])

		const bob = await ground.accounts.registerForWeb({ ...ADA, email: 'bob@example.org' }, CLIENT)
		const stranger: Actor = { ...actor, userId: bob.user.id, role: 'member' }
		for (const { kind, id } of list)
			await expect(sessions.revoke(stranger, { kind, id })).rejects.toMatchObject({ code: 'NOT_FOUND' })

		for (const { kind, id } of list) await sessions.revoke(actor, { kind, id })
		expect(await sessions.list(actor, browser)).toEqual([])
		expect(await ground.accounts.actorOfSession(browser, CLIENT)).toBeNull()
		await expect(ground.accounts.refresh({ refreshToken }, CLIENT)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
		await expect(trusted()).rejects.toMatchObject({ code: 'REVOKED' })
		await expect(ground.accounts.device(actor, { publicKey: key.publicKey })).rejects.toMatchObject({ code: 'REVOKED' })
	})

	it('a device stays out after the console has started again', async () => {
		const key = generateKey()
		const { certificate } = await ground.accounts.device(actor, { publicKey: key.publicKey })
		await sessions.revoke(actor, { kind: 'device', id: key.publicKey })
		const { database, home, audit } = ground
		const again = await openLattice(database, (create) => loadMasterKeys({ home, file: null, create }))
		await again.trust.verifyMembership(certificate, { peerId: peerIdOf(key.publicKey) })
		await new SessionService({ database, lattice: again, audit }).start()
		await expect(again.trust.verifyMembership(certificate, { peerId: peerIdOf(key.publicKey) })).rejects.toMatchObject({
			code: 'REVOKED',
		})
	})
})

describe('a rotation of the signing keys', () => {
	const rotationOf = (lattice = ground.lattice) => {
		let announced = 0
		const { database, audit } = ground
		const log = { info: () => undefined, warn: (facts: object) => expect.fail(JSON.stringify(facts)) }
		const announce = async () => void announced++
		const rotation = new SecretRotation({ database, lattice, announce, audit, log })
		return { rotation, announced: () => announced }
	}
	const age = () =>
		ground.database
			.$executeRaw`UPDATE "LatticeKey" SET "createdAt" = "createdAt" - make_interval(secs => ${SETTLED_MS / 1000 + 1}::double precision)`

	it('logs nobody out, and signs only what every console can check', async () => {
		const { database, home, lattice } = ground
		const other = await openLattice(database, (create) => loadMasterKeys({ home, file: null, create }))
		const before = lattice.issuer.kid
		const cookies = lattice.cookieSecrets
		const [oldCookie] = cookies
		const { token } = await ground.accounts.login(ADA, CLIENT)
		await age()

		const here = rotationOf()
		const { issuer } = await here.rotation.rotate(actor)
		expect(here.announced()).toBe(1)
		expect(lattice.issuer.kid).toBe(before)
		expect(cookies).toHaveLength(2)
		expect(cookies[0]).toBe(oldCookie)

		const there = rotationOf(other)
		await there.rotation.refresh()
		await age()
		await here.rotation.refresh()
		expect(lattice.issuer.kid).toBe(issuer)
		expect(lattice.cookieSecrets).toBe(cookies)
		expect(cookies[0]).not.toBe(oldCookie)
		expect(cookies).toContain(oldCookie)

		expect(await ground.accounts.actorOfBearer(token, { ...CLIENT, via: 'api' })).toMatchObject({ email: ADA.email })
		const fresh = await ground.accounts.login(ADA, CLIENT)
		expect((await other.trust.verifyBearer(fresh.token)).email).toBe(ADA.email)
		const restarted = await openLattice(database, (create) => loadMasterKeys({ home, file: null, create }))
		expect((await restarted.trust.verifyBearer(token)).email).toBe(ADA.email)
		expect(restarted.issuer.kid).toBe(issuer)
	})

	it("is the owner's alone", async () => {
		const { rotation } = rotationOf()
		await expect(rotation.rotate({ ...actor, role: 'admin' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
		expect(await ground.database.latticeKey.count({ where: { purpose: 'issuer' } })).toBe(1)
	})
})
