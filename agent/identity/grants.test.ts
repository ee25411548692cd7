import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { CLOCK_LEEWAY_S, GRANT_TTL_S } from '../protocol/index.ts'
import { refused } from './attacks.fixture.ts'
import { canonicalJson, digestOf } from './canonical-json.ts'
import { issueDelegated, issueDevice } from './certificates.ts'
import { signGrant } from './grants.ts'
import { generateKey, keyFromSeed } from './keys.ts'
import { ALICE, type LatticeFixture, latticeFixture } from './lattice.fixture.ts'
import { nowSeconds, signToken } from './tokens.ts'
import type { Trust } from './trust.ts'

let lattice: LatticeFixture
let trust: Trust
beforeAll(async () => {
	lattice = await latticeFixture()
	trust = await lattice.trust()
})

const command = { kind: 'stop', commandId: 'command-1', workloadId: 'w_01234567890123456789' }
const audience = '12D3KooWGmMbBB1TP9LvN5bbdcd26hPV3ohPmSsGkwXVqH5uJiUJ'

async function order() {
	const { jwt: credential, seed } = await lattice.token()
	return {
		credential,
		seed,
		command,
		audience,
		grant: await signGrant({ credential, key: keyFromSeed(seed), command, audience }),
	}
}

test('access, device and delegated credentials carry an order to the host', async () => {
	const { jwt, seed } = await lattice.token()
	const key = generateKey()
	const about = { latticeId: lattice.latticeId, user: ALICE, version: 1 }
	const device = await issueDevice(lattice.issuer, { ...about, publicKey: key.publicKey })
	const delegated = await issueDelegated(lattice.issuer, { ...about, actor: 'console' })
	const credentials = [
		{ kind: 'access', credential: jwt, key: keyFromSeed(seed) },
		{ kind: 'device', credential: device, key },
		{ kind: 'delegated', credential: delegated.jwt, key: keyFromSeed(delegated.seed) },
	]
	for (const { kind, ...holder } of credentials) {
		const grant = await signGrant({ ...holder, command, audience })
		const authority = await trust.verifyAuthority({ credential: holder.credential, grant, command, audience })
		expect(authority.subject).toMatchObject({ userId: ALICE.id, kind })
		expect(authority.expiresAt - nowSeconds()).toBeGreaterThan(GRANT_TTL_S - 5)
	}
})

test('redirected, altered, lent, expired, stretched, misused: each is refused and says why', async () => {
	const good = await order()
	const other = await order()
	const iat = nowSeconds()
	const stranger = await signGrant({ ...good, key: generateKey() })
	await expect(trust.verifyAuthority({ ...good, audience: 'elsewhere' })).rejects.toEqual(
		refused('GRANT_INVALID', 'audience'),
	)
	await expect(trust.verifyAuthority({ ...good, command: { ...command, kind: 'delete' } })).rejects.toEqual(
		refused('GRANT_INVALID', 'command'),
	)
	await expect(trust.verifyAuthority({ ...good, credential: other.credential })).rejects.toEqual(
		refused('GRANT_INVALID', 'signature'),
	)
	await expect(trust.verifyAuthority({ ...good, grant: stranger })).rejects.toEqual(
		refused('GRANT_INVALID', 'signature'),
	)
	await expect(trust.verifyAuthority({ ...good, grant: good.credential })).rejects.toMatchObject({
		code: 'GRANT_INVALID',
	})
	await expect(trust.verifyAuthority({ ...good, credential: good.grant })).rejects.toEqual(
		refused('UNAUTHENTICATED', 'purpose'),
	)
	const late = await lattice.trust(() => Date.now() + (GRANT_TTL_S + CLOCK_LEEWAY_S + 5) * 1000)
	await expect(late.verifyAuthority(good)).rejects.toEqual(refused('GRANT_EXPIRED', 'expired'))
	const borrowed = { iat, exp: iat + 9 * GRANT_TTL_S, cmd: 'x', ath: 'x', jti: 'x'.repeat(20), aud: audience }
	await expect(
		trust.verifyAuthority({ ...good, grant: await signToken({ ...generateKey() }, 'grant', borrowed) }),
	).rejects.toEqual(refused('GRANT_INVALID', 'signature'))
})

test('the same device key cannot lend a grant to another certificate, nor stretch its life', async () => {
	const key = generateKey()
	const about = { latticeId: lattice.latticeId, user: ALICE, version: 1, publicKey: key.publicKey }
	const first = await issueDevice(lattice.issuer, about)
	const second = await issueDevice(lattice.issuer, about)
	const grant = await signGrant({ credential: first, key, command, audience })
	await expect(trust.verifyAuthority({ credential: second, grant, command, audience })).rejects.toEqual(
		refused('GRANT_INVALID', 'credential'),
	)
	const iat = nowSeconds()
	const long = {
		iat,
		exp: iat + 86_400,
		cmd: digestOf(canonicalJson(command)),
		ath: digestOf(first),
		jti: 'x'.repeat(20),
		aud: audience,
	}
	await expect(
		trust.verifyAuthority({ credential: first, grant: await signToken(key, 'grant', long), command, audience }),
	).rejects.toEqual(refused('GRANT_INVALID', 'lifetime'))
	const misused = await signToken(key, 'claim', { ...long, exp: iat + 60 })
	await expect(trust.verifyAuthority({ credential: first, grant: misused, command, audience })).rejects.toEqual(
		refused('GRANT_INVALID', 'purpose'),
	)
})

test('no changed character of grant or credential goes through', async () => {
	const good = await order()
	const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'
	await fc.assert(
		fc.asyncProperty(
			fc.constantFrom('grant' as const, 'credential' as const),
			fc.nat(),
			fc.constantFrom(...alphabet),
			async (field, at, character) => {
				const text = good[field]
				const index = at % (text.length - 1) // the last character carries unused bits of the signature
				const altered = text.slice(0, index) + character + text.slice(index + 1)
				fc.pre(altered !== text)
				await expect(trust.verifyAuthority({ ...good, [field]: altered })).rejects.toMatchObject({
					name: 'LatticeError',
					status: expect.any(Number),
				})
			},
		),
		{ numRuns: 200 },
	)
})
