import { expect, it } from 'vitest'
import type { ClaimGiven } from '../protocol/index.ts'
import { templateOf } from '../templates/catalogue.ts'
import { FakeLattice, OWNER } from './fake-lattice.fixture.ts'
import { Rollout, type RolloutModules, type RolloutOrder } from './rollout.ts'

it('ends when it is given a decision again that a host has refused', async () => {
	const { directory } = new FakeLattice(['a', 'b']).host('a')
	let asked = 0
	async function* attempt(_authority: unknown, peerId: string) {
		// without an end it would go on until the memory is full
		if (++asked > 10) throw new Error('asked for ever')
		yield { peerId, frame: { type: 'error', error: { code: 'NODE_REFUSED', message: 'full', facts: {} } } }
	}
	const sender = { attempt } as unknown as RolloutModules['sender']
	const rollout = new Rollout({ peerId: 'a', directory, sender })
	const placement = { chosen: [{ replica: 0, node: { peerId: 'b', name: 'b' } }], rejected: [] }
	const claim = { token: 't', workloadId: 'w', decision: 'd1', generation: 1, placement, own: false } as unknown
	const claims = { take: async () => claim as ClaimGiven, giveBack: async () => undefined }
	const custom = templateOf('custom')
	const config = custom.schema.parse({ image: 'app:1' })
	const order = {
		...{ workloadId: 'w', owner: 'ada', name: 'app', type: 'custom', config, commandId: 'one-order-1' },
		requirements: custom.requirements(config),
	} as unknown as RolloutOrder
	const start = { wanted: [0], holders: new Map(), claim: claim as ClaimGiven, generation: 1, scaleId: 'w' }
	const run = async () => {
		for await (const _frame of rollout.run(OWNER, order, start, claims, new AbortController().signal));
	}
	await expect(run()).rejects.toMatchObject({ code: 'CLAIM_INVALID', facts: { reason: 'decision' } })
	expect(asked).toBe(1)
})
