import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readyLine } from './ready-line.ts'
import { inTurn } from './targets.ts'

const target = (replica: number) => ({ peerId: 'p', workloadId: 'w_00000000000000000001', replica, container: 80 })

describe('the replica of a connection', () => {
	it('is the least used', () => {
		const choices = [3, 1, 2].map((open, replica) => ({ target: target(replica), open }))
		for (let turn = 0; turn < 4; turn++) expect(inTurn(choices, turn).map(({ replica }) => replica)).toEqual([1, 2, 0])
	})

	it('is each in its turn where all are used alike', () => {
		const choices = [0, 1, 2].map((replica) => ({ target: target(replica), open: 0 }))
		expect([0, 1, 2, 3].map((turn) => inTurn(choices, turn)[0]?.replica)).toEqual([0, 1, 2, 0])
	})

	it('leaves none out', () => {
		fc.assert(
			fc.property(fc.array(fc.nat(5)), fc.nat(), (opens, turn) => {
				const choices = opens.map((open, replica) => ({ target: target(replica), open }))
				const replicas = inTurn(choices, turn).map(({ replica }) => replica)
				expect(replicas.toSorted((a, b) => a - b)).toEqual(opens.map((_, replica) => replica))
			}),
		)
	})
})

describe('the line to type', () => {
	it('has the local port, and escapes what a URL would not bear', () => {
		expect(readyLine({ username: 'app', password: 'a/b?', database: 'app' }, 5433)).toBe(
			"psql 'postgresql://app:a%2Fb%3F@127.0.0.1:5433/app'",
		)
		expect(readyLine({ accessKey: 'k', secretKey: 's' }, 9000)).toContain('--endpoint-url http://127.0.0.1:9000')
		expect(readyLine(null, 80)).toBeNull()
	})
})
