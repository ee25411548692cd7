import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ConsoleContext } from '../services/services.ts'
import { serveTerminals } from './terminal-socket.server.ts'

describe('the socket of terminals, to a stranger', () => {
	const server = createServer()
	let sockets: { stop(): void }
	beforeEach(async () => {
		await once(server.listen(0, '127.0.0.1'), 'listening')
		const log = { error: () => undefined }
		sockets = serveTerminals(server, {
			trustProxy: false,
			publicUrl: null,
			context: {} as ConsoleContext,
			log,
		} as never)
	})
	afterEach(() => {
		sockets.stop()
		server.close()
	})

	it.each(['/x', '//', '//[', '/workloads/', '?', '*'])('answers %s, whatever it is', async (target) => {
		const { port } = server.address() as AddressInfo
		const socket = connect(port, '127.0.0.1')
		socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
		const [answer] = await once(socket, 'data')
		expect(String(answer)).toMatch(/^HTTP\/1\.1 40[04] /)
		socket.destroy()
	})
})
