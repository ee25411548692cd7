import { describe, expect, it } from 'vitest'
import type { Incoming } from './events.ts'
import { entryOf, VirtualLattice, type VirtualNode } from './virtual-lattice.fixture.ts'

const LAN = { delayMs: 0.5, loss: 0 }

function cast(size: number, seed: number): { lattice: VirtualLattice; liar: VirtualNode; target: VirtualNode } {
	const lattice = VirtualLattice.settled(size, { seed, ...LAN })
	const [liar, target] = lattice.nodes
	if (!liar || !target) throw new Error('too small')
	return { lattice, liar, target }
}

/** The liar, whose checks are removed, says the same to everybody again and again. */
function insist(lattice: VirtualLattice, liar: VirtualNode, ms: number, message: () => Incoming): void {
	for (let at = 0; at < ms; at += 100) {
		for (const node of lattice.nodes) {
			if (node !== liar) lattice.event(node, { kind: 'message', from: liar.peerId, message: message() })
		}
		lattice.run(100)
	}
}

const signed = (by: string) => ({ by, body: '{}', signature: 's'.repeat(86) })

describe.each([3, 25])('a member of %i that lies', (size) => {
	it('makes nobody look dead, however often it says so', () => {
		const { lattice, liar, target } = cast(size, 1)
		insist(lattice, liar, 20_000, () => ({
			kind: 'rumour',
			rumour: {
				statement: { kind: 'suspect', subject: target.peerId, incarnation: target.membership.incarnation },
				subject: target.peerId,
				signed: signed(liar.peerId),
			},
		}))
		expect(lattice.transitions.filter(({ peerId }) => peerId === target.peerId)).toEqual([])
	})

	it('makes nobody look dead with doubts in a snapshot', () => {
		const { lattice, liar, target } = cast(size, 2)
		const doubted = [{ peerId: target.peerId, incarnation: target.membership.incarnation }]
		insist(lattice, liar, 10_000, () => ({ kind: 'records', entries: [], rumours: [], doubted, wanted: [] }))
		expect(lattice.transitions.filter(({ peerId }) => peerId === target.peerId)).toEqual([])
	})

	it('keeps nobody from being known as dead by refusing to help', () => {
		const { lattice, liar, target } = cast(size, 3)
		lattice.powerOff(target)
		const honest = lattice.nodes.filter((node) => node !== liar && node !== target)
		insist(lattice, liar, 5_000, () => ({ kind: 'ack-for', id: 1, target: target.peerId, incarnation: 1 }))
		for (const node of honest) expect(lattice.liveness(node, target)).toBe('down')
	})

	it('cannot drive up the incarnation of another with invented versions', () => {
		const { lattice, liar, target } = cast(size, 4)
		const versions = { [target.peerId]: [9_000_000, 1] as [number, number] }
		insist(lattice, liar, 3_000, () => ({ kind: 'sync', scope: 'all', versions, doubted: [] }))
		expect(target.membership.incarnation).toBe(1)
	})

	it('cannot use doubts about an incarnation that never was', () => {
		const { lattice, liar, target } = cast(size, 5)
		insist(lattice, liar, 3_000, () => ({
			kind: 'probe',
			id: 1,
			suspected: 7_000_000,
			rumours: [],
		}))
		expect(target.membership.incarnation).toBe(1)
	})
})

describe('what a member says of itself', () => {
	it('its goodbye is final until a later life', () => {
		const { lattice, target } = cast(10, 6)
		const others = lattice.nodes.filter((node) => node !== target)
		lattice.event(target, { kind: 'leave', to: [] })
		lattice.kill(target)
		const gone = () => others.every((node) => lattice.liveness(node, target) === 'left')
		expect(lattice.timeUntil(gone, 5_000)).toBeLessThan(1_000)
		lattice.run(30_000)
		expect(gone()).toBe(true)

		// A newcomer learns it too.
		const newcomer = lattice.add()
		lattice.connect(newcomer, others[0] as VirtualNode)
		lattice.run(3_000)
		expect(lattice.liveness(newcomer, target)).toBe('left')

		const entry = entryOf(target.peerId, 2, 1)
		for (const node of others)
			lattice.event(node, { kind: 'message', from: target.peerId, message: { kind: 'status', entry } })
		expect(others.every((node) => lattice.liveness(node, target) === 'alive')).toBe(true)
	})

	it('a node that lost its stored incarnation rises above its earlier life', () => {
		const { lattice, target } = cast(3, 7)
		const earlier = entryOf(target.peerId, 41, 7)
		const other = lattice.nodes[2] as VirtualNode
		lattice.event(other, { kind: 'message', from: target.peerId, message: { kind: 'status', entry: earlier } })
		const message: Incoming = { kind: 'records', entries: [earlier], rumours: [], doubted: [], wanted: [] }
		lattice.event(target, { kind: 'message', from: other.peerId, message })
		expect(target.membership.incarnation).toBe(42)
		lattice.announce(target)
		lattice.run(1_000)
		expect(other.membership.status(target.peerId)?.status.incarnation).toBe(42)
	})

	it('an older status never replaces a newer one', () => {
		const { lattice, target } = cast(3, 8)
		lattice.announce(target)
		lattice.run(1_000)
		const other = lattice.nodes[2] as VirtualNode
		const replayed = entryOf(target.peerId, 1, 1)
		lattice.event(other, { kind: 'message', from: target.peerId, message: { kind: 'status', entry: replayed } })
		expect(other.membership.status(target.peerId)?.status.sequence).toBe(2)
	})

	it('one that was removed is forgotten', () => {
		const { lattice, target } = cast(3, 9)
		const other = lattice.nodes[2] as VirtualNode
		lattice.event(other, { kind: 'forget', peerId: target.peerId })
		expect(other.membership.member(target.peerId)).toBeUndefined()
		expect(other.membership.status(target.peerId)).toBeUndefined()
	})
})
