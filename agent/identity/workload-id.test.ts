import fc from 'fast-check'
import { expect, it } from 'vitest'
import { WorkloadId } from '../protocol/index.ts'
import { workloadIdOf } from './workload-id.ts'

it('names an order the same wherever it is asked, and never as another', () => {
	fc.assert(
		fc.property(fc.tuple(fc.string(), fc.string()), fc.tuple(fc.string(), fc.string()), (one, other) => {
			expect(WorkloadId.parse(workloadIdOf(...one))).toBe(workloadIdOf(...one))
			const same = one[0] === other[0] && one[1] === other[1]
			expect(workloadIdOf(...one) === workloadIdOf(...other)).toBe(same)
		}),
	)
	// part by part, so that the end of an owner is not the beginning of a command
	expect(workloadIdOf('u_a', 'bc')).not.toBe(workloadIdOf('u_ab', 'c'))
	// stored by every host and console: another formula would make every open order a new one
	expect(workloadIdOf('u_alice', 'order-0001')).toMatchInlineSnapshot(`"w_bg32ms5pxf8b0tvqxi2e"`)
})
