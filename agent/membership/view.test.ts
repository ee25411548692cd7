import { expect, it } from 'vitest'
import type { MembershipEvent } from './events.ts'
import { Membership } from './membership.ts'
import { View, type ViewChange } from './view.ts'
import { entryOf } from './virtual-lattice.fixture.ts'

const SELF = `12D3KooW${'s'.repeat(44)}`
const OTHER = `12D3KooW${'o'.repeat(44)}`
const NOON = Date.parse('2026-11-24T12:00:00.000Z')

function setup() {
	let now = 1_000
	let wall = NOON
	const sign = () => ({ by: SELF, body: '{}', signature: 's'.repeat(86) })
	const membership = new Membership({ self: SELF, incarnation: 1, now }, { random: () => 0.5, sign })
	const clocks = { wall: () => wall, monotonic: () => now }
	const view = new View({ self: SELF }, { membership, clocks })
	const changes: ViewChange[] = []
	view.onChange((change) => changes.push(change))
	const handle = (event: MembershipEvent) => view.apply(membership.handle(event, now))
	const pass = (ms: number) => {
		now += ms
		wall += ms
	}
	const status = (incarnation: number, sequence: number) =>
		handle({
			kind: 'message',
			from: OTHER,
			message: { kind: 'status', entry: entryOf(OTHER, incarnation, sequence) },
		})
	return {
		view,
		changes,
		handle,
		pass,
		status,
		setClock: (to: number) => {
			wall = to
		},
	}
}

it('shows this node once it has announced itself', () => {
	const { view, handle } = setup()
	expect(view.list()).toEqual([])
	handle({ kind: 'announce', entry: entryOf(SELF, 1, 1) })
	expect(view.list()).toMatchObject([{ status: { peerId: SELF }, liveness: 'alive', roundTripMs: 0 }])
})

it('tells of statuses and verdicts, once each, with the time of the last sign of life', () => {
	const { changes, handle, pass, status } = setup()
	status(1, 1)
	expect(changes).toMatchObject([{ peerId: OTHER, view: { liveness: 'alive', roundTripMs: null } }])
	status(1, 1)
	expect(changes).toHaveLength(1)

	pass(5_000)
	handle({ kind: 'connected', peerId: OTHER })
	pass(2_000)
	handle({ kind: 'connectionLost', peerId: OTHER })
	expect(changes.at(-1)?.view).toMatchObject({ liveness: 'suspect', lastSeenAt: '2026-11-24T12:00:05.000Z' })
})

it('a clock that is set does not move the last sign of life', () => {
	const { view, handle, pass, status, setClock } = setup()
	status(1, 1)
	handle({ kind: 'connected', peerId: OTHER })
	pass(3_000)
	setClock(NOON + 300_000)
	expect(view.get(OTHER)?.lastSeenAt).toBe('2026-11-24T12:04:57.000Z')
})

it('a forgotten node is told of with null', () => {
	const { view, changes, handle, status } = setup()
	status(1, 1)
	handle({ kind: 'forget', peerId: OTHER })
	expect(changes.at(-1)).toEqual({ peerId: OTHER, view: null })
	expect(view.list()).toEqual([])
})
