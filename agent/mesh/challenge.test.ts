import { afterEach, beforeEach, expect, test } from 'vitest'
import { Peers } from './peers.fixture.ts'

let peers: Peers
beforeEach(async () => {
	peers = await Peers.create()
})
afterEach(() => peers.stop())

test('a gateway is asked for the answer to a challenge by members, and by nobody too often', async () => {
	const ordering = await peers.member('ordering', 'agent', { gateway: true })
	const asking = await peers.member('asking', 'agent', { gateway: true })
	await asking.peer.dial(ordering.member)
	const ask = (token: string) => asking.peer.challenges.ask(ordering.peer.peerId, token)
	expect(await ask('open')).toBeNull()
	ordering.peer.challenges.answer = (token) => (token === 'open' ? 'open.thumbprint' : null)
	expect(await ask('open')).toBe('open.thumbprint')
	expect(await ask('other')).toBeNull()
	await expect(ask('../etc')).rejects.toMatchObject({ code: 'PROTOCOL_ERROR' })
	const client = await peers.client()
	await client.peer.dial(ordering.member)
	await expect(client.peer.challenges.ask(ordering.peer.peerId, 'open')).rejects.toThrow()
	const flood = await Promise.allSettled(Array.from({ length: 80 }, () => ask('open')))
	const refused = flood.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []))
	expect(new Set(refused)).toEqual(new Set(['RATE_LIMITED']))
})
