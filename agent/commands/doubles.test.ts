import { expect, it } from 'vitest'
import type { WorkloadReport } from '../protocol/index.ts'
import { givesUp } from './doubles.ts'

interface Said {
	host: string
	decision: string
	iat: number
	/** of the owner; null: the console's own claim */
	word: { jti: string; iat: number } | null
	status?: WorkloadReport['status']
	/** that the claim gives this host */
	given?: number[]
}

const token = (payload: object) => `e30.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.`

function held({ host, decision, iat, word, status = 'running', given = [0] }: Said) {
	const warrant = word && { warrant: token({ ...word, cmd: '', ath: '', exp: word.iat + 600 }) }
	const order = { sub: 'ada', name: 'app', cmd: 'one-order-1', wl: 'w_1', by: host }
	const replica = { index: 0, status, statusReason: null, error: null, containerId: null, startedAt: null }
	return {
		claim: token({ ...order, jti: decision, gen: 1, put: { [host]: given }, iat, ...warrant }),
		node: { peerId: host, name: host },
		replicas: [{ ...replica, exitCode: null, restarts: 0, endpoints: [] }],
	}
}

const WORD = { jti: 'w'.repeat(16), iat: 100 }
const LATER = { jti: 'v'.repeat(16), iat: 200 }
const own = held({ host: 'h1', decision: 'b', iat: 201, word: LATER })

it('goes to the host whose order was given first, and only there', () => {
	const first = held({ host: 'h2', decision: 'a', iat: 900, word: WORD })
	expect(givesUp(own, first)).toEqual([0])
	expect(givesUp(first, own)).toEqual([])
	expect(givesUp(own, held({ host: 'h2', decision: 'a', iat: 101, word: null }))).toEqual([0])
})

it.each([
	['a copy of the same word under a claim that says it is older', { iat: 1, word: LATER }],
	['the same decision, signed again', { decision: 'b', word: WORD }],
	['a replica that its claim does not give it', { word: WORD, given: [1] }],
	['one that does not run yet', { word: WORD, status: 'pulling' as const }],
	['one that failed', { word: WORD, status: 'failed' as const }],
])('stays in spite of %s', (_what, said) => {
	expect(givesUp(own, held({ host: 'h2', decision: 'a', iat: 101, ...said }))).toEqual([])
})
