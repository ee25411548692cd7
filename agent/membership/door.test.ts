import { beforeEach, describe, expect, it } from 'vitest'
import { generateKey, peerIdOf } from '../identity/index.ts'
import type { GossipMessage, Signed, Statement } from '../protocol/index.ts'
import { type Certified, Door, type Opened } from './door.ts'
import { SignatureCheck, signer } from './signature.ts'
import { entryOf } from './virtual-lattice.fixture.ts'

const LATTICE = 'l_abcdefghijklmnopqrstuvwxyz'

function member(): { peerId: string; say: (statement: Statement) => Signed; sign: (body: string) => Signed } {
	const key = generateKey()
	const peerId = peerIdOf(key.publicKey)
	const sign = signer(key, peerId, LATTICE)
	return { peerId, sign, say: (statement) => sign(JSON.stringify(statement)) }
}

const [me, author, relay, stranger] = [member(), member(), member(), member()]
const certificates = new Map<string, Certified>()
let door: Door

beforeEach(() => {
	certificates.clear()
	for (const { peerId } of [me, author, relay]) {
		certificates.set(peerId, { name: `name-of-${peerId.slice(-4)}`, labels: { zone: 'eu' }, gateway: false })
	}
	const check = new SignatureCheck(LATTICE)
	door = new Door(me.peerId, {
		isGood: (signed) => check.isGood(signed),
		isMember: (peerId) => certificates.has(peerId),
		certified: (_certificate, peerId) => certificates.get(peerId) ?? null,
	})
})

const rumour = (signed: Signed): GossipMessage => ({ kind: 'rumour', signed })

function status(by: ReturnType<typeof member>, of: string, labels: Record<string, string> = {}): GossipMessage {
	const { status } = entryOf(of, 3, 4)
	return { kind: 'status', record: { certificate: 'jwt', signed: by.sign(JSON.stringify({ ...status, labels })) } }
}

const nothing = (opened: Opened) => expect(opened.message).toBeNull()

describe('a rumour', () => {
	it('comes in with its author and subject', () => {
		const signed = author.say({ kind: 'suspect', subject: me.peerId, incarnation: 2 })
		expect(door.open(relay.peerId, rumour(signed))).toEqual({
			message: {
				kind: 'rumour',
				rumour: { statement: { kind: 'suspect', subject: me.peerId, incarnation: 2 }, subject: me.peerId, signed },
			},
			offences: [],
		})
	})

	it.each([
		['a changed body', (s: Signed) => ({ ...s, body: s.body.replace('2', '9') })],
		['another author', (s: Signed) => ({ ...s, by: me.peerId })],
		['an author that is no peer id', (s: Signed) => ({ ...s, by: 'x'.repeat(52) })],
		['a broken signature', (s: Signed) => ({ ...s, signature: 'A'.repeat(86) })],
	])('with %s stays outside, and its bringer is named', (_what, change) => {
		const opened = door.open(relay.peerId, rumour(change(author.say({ kind: 'alive', incarnation: 2 }))))
		nothing(opened)
		expect(opened.offences).toEqual([{ by: relay.peerId, reason: expect.stringContaining('did not sign') }])
	})

	it('signed for another lattice stays outside', () => {
		const key = generateKey()
		const peerId = peerIdOf(key.publicKey)
		certificates.set(peerId, { name: 'x', labels: {}, gateway: false })
		const signed = signer(key, peerId, 'l_other')(JSON.stringify({ kind: 'alive', incarnation: 2 }))
		expect(door.open(relay.peerId, rumour(signed)).offences).toHaveLength(1)
	})

	it('of somebody without a certificate is nothing', () => {
		nothing(door.open(relay.peerId, rumour(stranger.say({ kind: 'alive', incarnation: 2 }))))
	})

	it('of a newer version, which nobody here understands, is nobody’s fault', () => {
		const opened = door.open(relay.peerId, rumour(author.sign('{"kind":"moved","to":"mars"}')))
		expect(opened).toEqual({ message: null, offences: [] })
		expect(door.open(relay.peerId, rumour(author.sign('not json')))).toEqual({ message: null, offences: [] })
	})

	it('is left out of a probe, and the rest of the probe counts', () => {
		const good = author.say({ kind: 'alive', incarnation: 5 })
		const forged = { ...good, body: good.body.replace('5', '6') }
		const opened = door.open(relay.peerId, { kind: 'probe', id: 1, rumours: [forged, good] })
		expect(opened.message).toMatchObject({ kind: 'probe', id: 1, rumours: [{ signed: good }] })
		expect(opened.offences).toHaveLength(1)
	})
})

describe('a status', () => {
	it('of its author comes in, with what the issuer certified in place of its own claims', () => {
		const opened = door.open(relay.peerId, status(author, author.peerId, { zone: 'us', trusted: 'yes' }))
		expect(opened.message).toMatchObject({
			kind: 'status',
			entry: { status: { peerId: author.peerId, labels: { zone: 'eu' }, name: `name-of-${author.peerId.slice(-4)}` } },
		})
	})

	it('about another is an offence of its author', () => {
		const opened = door.open(relay.peerId, status(author, me.peerId))
		nothing(opened)
		expect(opened.offences).toEqual([{ by: author.peerId, reason: `published a status of ${me.peerId}` }])
	})

	it('of somebody whose certificate is not valid is nothing', () => {
		nothing(door.open(relay.peerId, status(stranger, stranger.peerId)))
		certificates.delete(author.peerId)
		nothing(door.open(relay.peerId, status(author, author.peerId)))
	})
})

describe('an answer that a helper brings', () => {
	const answer = (by: ReturnType<typeof member>, asker: string, probe: number) =>
		by.say({ kind: 'answer', asker, probe, incarnation: 4 })

	it('comes in when the target signed it for this very probe', () => {
		const message = { kind: 'ack-for', id: 7, target: author.peerId, answer: answer(author, me.peerId, 7) } as const
		expect(door.open(relay.peerId, message)).toEqual({
			message: { kind: 'ack-for', id: 7, target: author.peerId, incarnation: 4 },
			offences: [],
		})
	})

	it.each([
		['the helper made up', answer(relay, me.peerId, 7)],
		['to an earlier probe', answer(author, me.peerId, 6)],
		['to somebody else', answer(author, stranger.peerId, 7)],
		['that is another statement', author.say({ kind: 'alive', incarnation: 4 })],
	])('stays outside when it is one %s', (_what, said) => {
		const opened = door.open(relay.peerId, { kind: 'ack-for', id: 7, target: author.peerId, answer: said })
		nothing(opened)
		expect(opened.offences).toMatchObject([{ by: relay.peerId }])
	})

	it('is not accepted as a rumour', () => {
		expect(door.open(relay.peerId, rumour(answer(author, me.peerId, 7))).offences).toHaveLength(1)
	})
})

describe('records', () => {
	it('keep what is good', () => {
		const good = status(author, author.peerId)
		const forged = status(author, relay.peerId)
		if (good.kind !== 'status' || forged.kind !== 'status') throw new Error('not a status')
		const opened = door.open(relay.peerId, {
			kind: 'records',
			records: [forged.record, good.record],
			rumours: [author.say({ kind: 'left', incarnation: 3 })],
			doubted: [],
			wanted: [],
		})
		expect(opened.message).toMatchObject({ kind: 'records', entries: [{ status: { peerId: author.peerId } }] })
		expect(opened.offences).toHaveLength(1)
	})
})
