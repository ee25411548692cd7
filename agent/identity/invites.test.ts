import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CLOCK_LEEWAY_S } from '../protocol/index.ts'
import { inviteKey, joinProof, newInvite, parseInvite, verifyJoinProof } from './invites.ts'

const address = '/ip4/10.77.0.1/tcp/4100/p2p/12D3KooWGmMbBB1TP9LvN5bbdcd26hPV3ohPmSsGkwXVqH5uJiUJ'
const facts = { latticeId: 'l_x', inviteId: 'i1', peerId: 'p1', name: 'laptop', labels: { zone: 'a' }, gateway: false }

test('the pasted line reads back, also when a terminal wrapped it', () => {
	const made = newInvite({ latticeId: 'l_x', addresses: [address], ttlSeconds: 60 })
	const wrapped = made.token.replace(/(.{40})/g, '$1\n  ')
	const invite = parseInvite(wrapped)
	expect(invite).toMatchObject({ latticeId: 'l_x', inviteId: made.inviteId, addresses: [address] })
	expect(inviteKey(invite.secret)).toBe(made.key)
})

test('an expired invite and a broken line have their own codes', () => {
	const { token, expiresAt } = newInvite({ latticeId: 'l_x', addresses: [address], ttlSeconds: 60 })
	const end = (expiresAt + CLOCK_LEEWAY_S) * 1000
	expect(parseInvite(token, end).latticeId).toBe('l_x')
	expect(() => parseInvite(token, end + 1)).toThrow(expect.objectContaining({ code: 'INVITE_EXPIRED' }))
	fc.assert(
		fc.property(
			fc.oneof(
				fc.string(),
				fc.jsonValue().map((v) => Buffer.from(JSON.stringify(v)).toString('base64url')),
			),
			(line) => {
				expect(() => parseInvite(line)).toThrow(expect.objectContaining({ code: 'INVITE_INVALID' }))
			},
		),
	)
})

test('a proof holds for exactly the request that it was made for', () => {
	const { token, key } = newInvite({ latticeId: 'l_x', addresses: [address], ttlSeconds: 60 })
	const proof = joinProof(parseInvite(token).secret, facts)
	expect(verifyJoinProof(key, facts, proof)).toBe(true)
	expect(verifyJoinProof(key, { ...facts, labels: { zone: 'a' } }, proof)).toBe(true)
	const changes = [
		{ latticeId: 'l_y' },
		{ inviteId: 'i2' },
		{ peerId: 'p2' },
		{ name: 'l' },
		{ labels: {} },
		{ gateway: true },
	]
	for (const change of changes)
		expect(verifyJoinProof(key, { ...facts, ...change }, proof), JSON.stringify(change)).toBe(false)
	expect(verifyJoinProof(inviteKey('other secret'), facts, proof)).toBe(false)
	expect(verifyJoinProof(key, facts, '')).toBe(false)
})
