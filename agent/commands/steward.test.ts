import { describe, expect, it } from 'vitest'
import { peekClaim } from '../identity/index.ts'
import type { WorkloadReport } from '../protocol/index.ts'
import { FakeLattice, OWNER } from './fake-lattice.fixture.ts'
import { resultOf } from './results.ts'

const NAMES = ['a', 'b', 'c', 'd']
/** Ids of decisions are drawn by lot, and each of two may be the smaller one. */
const ORDERS = 16

describe('a steward that is told what another one decided on the same order', () => {
	it('keeps to what it decided itself: that is in use, and what it is told not yet', async () => {
		for (let round = 0; round < ORDERS; round++) {
			const lattice = new FakeLattice(NAMES)
			const input = { name: 'app', type: 'custom', config: { image: 'app:1' }, commandId: `one-order-${round}` }
			const first = lattice.stewardOf('app')
			lattice.cut([first])
			const deploy = async (entry: string): Promise<WorkloadReport> => {
				const { report } = await resultOf(lattice.entry(entry).deploy(OWNER, input, new AbortController().signal))
				if (!report) throw new Error('an order without a report')
				return report
			}
			const theirs = await deploy(first)
			const own = await deploy(NAMES.find((name) => name !== first) ?? '')
			const decided = peekClaim(own.claim).decision
			const second = lattice.hosts.find(({ name, seen }) => name !== first && seen.some(({ kind }) => kind === 'claim'))
			const { workloadId, commandId, name, claim, placement } = { ...theirs, workloadId: theirs.id }
			const told = { kind: 'witness', commandId, workloadId, name, placement, claim } as const
			const answer = second?.handle(told)
			if (!answer) throw new Error('nobody decided')
			const { claim: stands } = await resultOf(answer)
			expect(stands?.decision).toBe(decided)
		}
	})
})
