import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resultOf } from '../../agent/commands/results.ts'
import { keyFromSeed, signGrant, splitBearer } from '../../agent/identity/index.ts'
import type { Command } from '../../agent/protocol/index.ts'
import { type AgentProcess, startAgent } from './agent-process.ts'
import { type IssuerFixture, startIssuer } from './issuer-fixture.ts'

let issuer: IssuerFixture
let agent: AgentProcess
let home: string
let jwt: string
let seed: string

beforeAll(async () => {
	home = await mkdtemp(join(tmpdir(), 'lattice-agent-'))
	issuer = await startIssuer()
	agent = await startAgent({ LATTICE_HOME: home, LATTICE_NAME: 'one', LATTICE_INVITE: issuer.invite() })
	const bearer = await issuer.bearer({ id: 'u_alice', email: 'alice@example.org', role: 'member' })
	;({ jwt, seed } = splitBearer(bearer))
})

afterAll(async () => {
	await agent?.stop()
	await issuer?.stop()
	await rm(home, { recursive: true, force: true })
})

const list: Command = { kind: 'list' }
const order = (grant: string, command: Command = list, credential = jwt) =>
	resultOf(issuer.peer.command(agent.peerId, { credential, grant, command }))
const grantFor = (command: Command, audience = agent.peerId) =>
	signGrant({ credential: jwt, key: keyFromSeed(seed), command, audience })

describe('a real agent, asked by an admitted member', () => {
	it('obeys a whole chain of authority once', async () => {
		const grant = await grantFor(list)
		expect(await order(grant)).toMatchObject({ reports: [] })
		await expect(order(grant)).rejects.toMatchObject({ code: 'GRANT_REPLAYED' })
	})

	it('refuses a missing, altered and redirected grant, and a credential of another lattice', async () => {
		await expect(order('')).rejects.toMatchObject({ code: 'GRANT_INVALID' })
		const other: Command = { kind: 'get', workloadId: 'w_00000000000000000000', credentials: true }
		await expect(order(await grantFor(list), other)).rejects.toMatchObject({ code: 'GRANT_INVALID' })
		await expect(order(await grantFor(list, issuer.peer.peerId))).rejects.toMatchObject({ code: 'GRANT_INVALID' })
		const foreign = await startIssuer()
		const stolen = splitBearer(await foreign.bearer({ id: 'u_alice', email: 'alice@example.org', role: 'owner' }))
		const grant = await signGrant({
			credential: stolen.jwt,
			key: keyFromSeed(stolen.seed),
			command: list,
			audience: agent.peerId,
		})
		await expect(order(grant, list, stolen.jwt)).rejects.toMatchObject({
			code: expect.stringMatching(/CERTIFICATE_INVALID|UNAUTHENTICATED/),
		})
		await foreign.stop()
	})

	it('counts each refusal by the peer that sent it', async () => {
		const metrics = await (await fetch(`${agent.url}/metrics`)).text()
		expect(metrics).toContain(`lattice_refused_commands_total{from="${issuer.peer.peerId}",code="GRANT_REPLAYED"} 1`)
	})

	it('takes no order without a claim on the name', async () => {
		const command: Command = {
			kind: 'deploy',
			commandId: 'forged-0001',
			workloadId: 'w_00000000000000000000',
			name: 'forged',
			type: 'custom',
			config: { image: 'app:1' },
			generation: 1,
			replicas: [0],
			placement: { chosen: [], candidates: [], rejected: [], at: new Date().toISOString(), by: 'x' },
			claim: jwt,
		}
		await expect(order(await grantFor(command), command)).rejects.toMatchObject({ code: 'CLAIM_INVALID' })
		expect(await order(await grantFor(list))).toMatchObject({ reports: [] })
	})
})

describe('its REST', () => {
	const get = (authorization?: string) =>
		fetch(`${agent.url}/api/workloads`, authorization ? { headers: { authorization } } : {})

	it('answers 401 without a token, with half a token, and with a wrong key', async () => {
		const other = splitBearer(await issuer.bearer({ id: 'u_bob', email: 'bob@example.org', role: 'member' }))
		for (const header of [undefined, 'Bearer x', `Bearer ${jwt}`, `Bearer ${jwt}~${other.seed}`]) {
			expect((await get(header)).status, header).toBe(401)
		}
		expect((await get(`Bearer ${jwt}~${seed}`)).status).toBe(200)
	})

	it('refuses a body over 1 MiB and one that is not JSON', async () => {
		const headers = { authorization: `Bearer ${jwt}~${seed}`, 'content-type': 'application/json' }
		const send = (body: string) => fetch(`${agent.url}/api/workloads/deploy`, { method: 'POST', headers, body })
		const large = await send(`"${'x'.repeat(1024 * 1024 + 1)}"`)
		expect([large.status, (await large.json()).error.code]).toEqual([413, 'PAYLOAD_TOO_LARGE'])
		const garbled = await send('{"name":')
		expect([garbled.status, (await garbled.json()).error.code]).toEqual([400, 'INVALID_INPUT'])
	})
})
