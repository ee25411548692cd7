import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { LatticeError } from '../agent/protocol/errors.ts'
import { eventStream, type StreamMessage } from './event-stream.server.ts'

const ask = (signal?: AbortSignal) => new Request('http://console/live', { signal })

async function* two(): AsyncGenerator<StreamMessage> {
	yield { id: '1', data: 'one\ntwo' }
	yield { event: 'note', data: { n: 2 } }
}

describe('eventStream', () => {
	afterEach(() => {
		vi.useRealTimers()
	})

	it('writes messages, then that it ended', async () => {
		const answer = eventStream(ask(), two)
		expect(answer.headers.get('Content-Type')).toContain('text/event-stream')
		expect(await answer.text()).toBe(
			'retry: 2000\n\nid: 1\ndata: "one\\ntwo"\n\nevent: note\ndata: {"n":2}\n\nevent: end\ndata: {}\n\n',
		)
	})

	it('tells a refusal with its code, and a defect without its text', async () => {
		const refused = eventStream(ask(), () => {
			throw new LatticeError('HOST_UNREACHABLE', 'heron cannot be reached.')
		})
		expect(await refused.text()).toContain('event: problem\ndata: {"code":"HOST_UNREACHABLE"')
		const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined)
		const broken = eventStream(ask(), () => {
			throw new Error('password of the database')
		})
		const text = await broken.text()
		expect(text).toContain('"code":"INTERNAL"')
		expect(text).not.toContain('password')
		expect(logged).toHaveBeenCalledOnce()
		logged.mockRestore()
	})

	it('holds the source back while nobody reads, and ends it when the reader leaves', async () => {
		let made = 0
		let ended = false
		const answer = eventStream(ask(), async function* (signal) {
			try {
				while (!signal.aborted) {
					made += 1
					yield { data: made }
				}
			} finally {
				ended = true
			}
		})
		for (let index = 0; index < 200; index += 1) await turn()
		expect(made).toBeLessThan(40)
		const reader = answer.body?.getReader()
		for (let index = 0; index < 100; index += 1) await reader?.read()
		expect(made).toBeGreaterThan(90)
		await reader?.cancel()
		await vi.waitFor(() => expect(ended).toBe(true))
	})

	it('ends the source when the request is aborted', async () => {
		const left = new AbortController()
		let ended = false
		const answer = eventStream(ask(left.signal), async function* (signal) {
			yield { data: 1 }
			await new Promise((resolve) => signal.addEventListener('abort', resolve))
			ended = true
		})
		const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
		let read = ''
		while (!read.includes('data: 1')) read += (await reader?.read())?.value ?? ''
		left.abort()
		expect(await reader?.read()).toEqual({ done: true, value: undefined })
		expect(ended).toBe(true)
	})

	it('beats while nothing happens', async () => {
		vi.useFakeTimers()
		const left = new AbortController()
		const answer = eventStream(ask(left.signal), async function* (signal) {
			await new Promise((resolve) => signal.addEventListener('abort', resolve))
			yield { data: 'late' }
		})
		const text = answer.text()
		await vi.advanceTimersByTimeAsync(11_000)
		left.abort()
		expect((await text).match(/event: beat/g)).toHaveLength(2)
		expect(vi.getTimerCount()).toBe(0)
	})
})
