import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Leases } from './leases.ts'

const to = {
	peerId: 'p',
	certificate: 'c',
	credential: 'cred',
	target: { workloadId: 'w', replica: 0, container: 5432 },
} as unknown as Parameters<Leases['grant']>[0]

describe('leases of one peer', () => {
	it('are not so many that one which carries something is forgotten', () => {
		const leases = new Leases()
		const stream = new PassThrough()
		leases.grant(to).open.add(stream)
		for (let more = 0; more < 3_000; more++) leases.grant(to)
		leases.shutOut(() => true)
		expect(stream.destroyed).toBe(true)
	})
})
