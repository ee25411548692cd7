import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ExecInput, ExecOutput } from '../protocol/index.ts'
import { pair } from './host.fixture.ts'
import { Peers } from './peers.fixture.ts'

let peers: Peers
beforeEach(async () => {
	peers = await Peers.create()
})
afterEach(() => peers.stop())

const BLOCK = Buffer.alloc(64 * 1024, 'x').toString('base64')

async function* flood(blocks: number): AsyncGenerator<ExecInput> {
	for (let count = 0; count < blocks; count++) yield { type: 'data', data: BLOCK }
	yield { type: 'end' }
}

describe('a program at a peer', () => {
	test('hears and answers at once both ways, however slowly it is read', async () => {
		const { host, caller } = await pair(peers)
		let waiting = 0
		let most = 0
		host.peer.handleExec(async function* (_request, input): AsyncIterable<ExecOutput> {
			yield { type: 'ready' }
			for await (const frame of input) {
				if (frame.type === 'end') break
				if (frame.type === 'data') {
					waiting++
					most = Math.max(most, waiting)
					yield { type: 'data', stream: 'stdout', data: frame.data }
				}
			}
			yield { type: 'exit', code: 0, reason: null }
		})
		const request = await peers.order(host.peer.peerId)
		let received = 0
		let last: ExecOutput | null = null
		const signal = new AbortController().signal
		for await (const frame of caller.peer.exec(host.peer.peerId, request, flood(256), { signal })) {
			if (frame.type === 'data') received++
			waiting = Math.max(0, waiting - 1)
			if (received % 16 === 0) await delay(2)
			last = frame
		}
		expect(received).toBe(256)
		expect(last).toEqual({ type: 'exit', code: 0, reason: null })
		// Not all of it was taken in at once: the reader held the writer back.
		expect(most).toBeLessThan(200)
	})

	test('ends at its host when the caller goes, and at the caller when the host does', async () => {
		const { host, caller } = await pair(peers)
		let ended = 0
		host.peer.handleExec(async function* (_request, _input, { signal }): AsyncIterable<ExecOutput> {
			yield { type: 'ready' }
			await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
			ended++
		})
		const abort = new AbortController()
		const request = await peers.order(host.peer.peerId)
		async function* nothing(): AsyncGenerator<ExecInput> {
			await delay(60_000, undefined, { ref: false })
			yield { type: 'end' }
		}
		const reading = (async () => {
			for await (const frame of caller.peer.exec(host.peer.peerId, request, nothing(), { signal: abort.signal })) {
				if (frame.type === 'ready') abort.abort()
			}
		})()
		await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' })
		await expect.poll(() => ended).toBe(1)

		const again = await peers.order(host.peer.peerId)
		const lost = (async () => {
			const signal = new AbortController().signal
			for await (const frame of caller.peer.exec(host.peer.peerId, again, nothing(), { signal })) {
				if (frame.type === 'ready') void host.peer.stop()
			}
		})()
		await expect(lost).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
	})
})
