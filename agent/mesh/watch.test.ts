import { afterEach, beforeEach, expect, test } from 'vitest'
import type { WatchFrame } from '../protocol/index.ts'
import { collect, eventually } from './eventually.fixture.ts'
import { Peers } from './peers.fixture.ts'

let peers: Peers
beforeEach(async () => {
	peers = await Peers.create()
})
afterEach(() => peers.stop())

const removed = (at: string): WatchFrame => ({ type: 'removed', workloadId: 'w_01234567890123456789', at })

test('a member sees each change as it happens, until it stops watching', async () => {
	const [host, watcher] = [await peers.member('host'), await peers.member('console', 'console')]
	let push: (frame: WatchFrame) => void = () => undefined
	let watched = false
	host.peer.handleWatch(async function* (signal) {
		watched = true
		try {
			yield { type: 'synced' }
			while (!signal.aborted) {
				yield await new Promise<WatchFrame>((resolve, reject) => {
					push = resolve
					signal.addEventListener('abort', () => reject(signal.reason), { once: true })
				})
			}
		} finally {
			watched = false
		}
	})
	await watcher.peer.dial(host.member)
	const controller = new AbortController()
	const frames = watcher.peer.watch(host.peer.peerId, { signal: controller.signal })[Symbol.asyncIterator]()
	expect((await frames.next()).value).toEqual({ type: 'synced' })
	for (const at of ['1', '2', '3']) {
		const next = frames.next()
		await eventually('the host waits', () => watched)
		await new Promise((resolve) => setImmediate(resolve))
		push(removed(at))
		expect((await next).value).toEqual(removed(at))
	}
	const last = frames.next()
	controller.abort()
	expect(await last).toEqual({ done: true, value: undefined })
	await eventually('the host stopped', () => !watched)
})

test('a watch whose host is lost, fails or ends throws, so that the watcher tries again', async () => {
	const [host, watcher] = [await peers.member('host'), await peers.member('console', 'console')]
	await watcher.peer.dial(host.member)
	const { signal } = new AbortController()
	host.peer.handleWatch(async function* () {
		yield { type: 'synced' }
	})
	await expect(collect(watcher.peer.watch(host.peer.peerId, { signal }))).rejects.toMatchObject({
		code: 'HOST_UNREACHABLE',
	})
	host.peer.handleWatch(async function* () {
		yield { type: 'synced' }
		throw new Error('the store is gone')
	})
	await expect(collect(watcher.peer.watch(host.peer.peerId, { signal }))).rejects.toMatchObject({
		code: 'HOST_UNREACHABLE',
	})
	host.peer.handleWatch(async function* (gone) {
		yield { type: 'synced' }
		await new Promise((resolve) => gone.addEventListener('abort', resolve, { once: true }))
	})
	const frames = watcher.peer.watch(host.peer.peerId, { signal })[Symbol.asyncIterator]()
	await frames.next()
	await host.peer.stop()
	await expect(frames.next()).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
})
