import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { freeSubnet, rangeOf, TENANT_POOL } from './subnets.ts'

const overlap = (a: string, b: string) => {
	const [x, y] = [rangeOf(a), rangeOf(b)]
	return x !== null && y !== null && x[0] <= y[1] && y[0] <= x[1]
}

describe('subnets', () => {
	it('are the first free ones of the pool', () => {
		expect(freeSubnet([])).toBe('10.200.0.0/24')
		expect(freeSubnet(['10.200.0.0/24', '172.17.0.0/16', 'fd00::/64', ''])).toBe('10.200.1.0/24')
		expect(freeSubnet(['10.200.0.0/16', '10.201.0.128/25'])).toBe('10.201.1.0/24')
		expect(freeSubnet(['10.0.0.0/8'])).toBeNull()
		expect(freeSubnet(['0.0.0.0/0'])).toBeNull()
	})

	it('never overlap what is used, inside the pool', () => {
		const cidr = fc
			.tuple(fc.integer({ min: 198, max: 209 }), fc.nat(255), fc.nat(255), fc.integer({ min: 8, max: 32 }))
			.map(([b, c, d, bits]) => `10.${b}.${c}.${d}/${bits}`)
		fc.assert(
			fc.property(fc.array(cidr, { maxLength: 30 }), (used) => {
				const free = freeSubnet(used)
				if (free === null) {
					expect(used.some((each) => overlap(each, TENANT_POOL))).toBe(true)
					return
				}
				expect(overlap(free, TENANT_POOL)).toBe(true)
				for (const each of used) expect(overlap(free, each), `${free} ${each}`).toBe(false)
			}),
		)
	})

	it('can be had one after another until the pool is empty', () => {
		const used: string[] = []
		for (let next = freeSubnet(used, '10.9.0.0/20'); next !== null; next = freeSubnet(used, '10.9.0.0/20'))
			used.push(next)
		expect(used).toHaveLength(16)
		expect(new Set(used).size).toBe(16)
	})
})
