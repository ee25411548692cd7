import { mkdtempSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { EdgeSession, EdgeTunnel } from './edge.ts'
import { LocalEdge } from './local-edge.fixture.ts'
import { sdkEdge } from './sdk-edge.ts'

/** The real SDK against an edge of our own: what FakeEdge promises of it. */
describe("ngrok's SDK", () => {
	const folder = mkdtempSync('/tmp/lattice-ngrok-')
	const edge = new LocalEdge(folder)
	const web = createHttpServer((request, response) => response.end(`hello ${request.url}`))
	const echo = createServer((socket) => socket.pipe(socket))
	let serverAddr = ''
	let session: EdgeSession | null = null
	let http: EdgeTunnel | null = null
	const events = { onLost: vi.fn(), onAnswer: vi.fn() }
	const sdk = () => sdkEdge({ serverAddr, rootCas: edge.rootCas })

	beforeAll(async () => {
		serverAddr = await edge.start()
		await Promise.all([listening(web), listening(echo)])
	})
	afterAll(async () => {
		await session?.close()
		edge.stop()
		web.close()
		echo.close()
		rmSync(folder, { recursive: true })
	})

	it('says why it opens no session, in the words and with the code of the edge', async () => {
		await expect(sdk().connect('2thisIsNotTheToken', events)).rejects.toThrow(/ERR_NGROK_105/)
		await expect(sdkEdge({ serverAddr: '127.0.0.1:1', rootCas: null }).connect('2x', events)).rejects.toThrow(/connect/)
	})

	it('carries HTTP and TCP to what answers on this host, until a tunnel is closed', async () => {
		session = await sdk().connect(edge.token, events)
		http = await session.open({ name: 'web', protocol: 'http', target: addressOf(web) })
		const tcp = await session.open({ name: 'echo', protocol: 'tcp', target: addressOf(echo) })
		expect(await (await fetch(`${http.url()}/there`)).text()).toBe('hello /there')
		expect(await said(tcp.url(), 'twice')).toBe('twice')
		await tcp.close()
		await vi.waitFor(() => expect(edge.fronts.size).toBe(1))
		edge.refuseTcp = true
		const refused = session.open({ name: 'echo', protocol: 'tcp', target: addressOf(echo) })
		await expect(refused).rejects.toThrow(/credit or debit card[\s\S]*ERR_NGROK_8013/)
	})

	it('tells of a broken connection, makes it again, and the tunnel with it', async () => {
		events.onAnswer.mockClear()
		edge.cut()
		await vi.waitFor(() => expect(events.onLost).toHaveBeenCalled(), 5_000)
		await vi.waitFor(() => expect(events.onAnswer).toHaveBeenCalled(), 10_000)
		const get = async () => (await fetch(http?.url() ?? '', { headers: { connection: 'close' } })).text()
		await vi.waitFor(async () => expect(await get()).toBe('hello /'), 10_000)
		expect(edge.authenticated).toBe(2)
	}, 30_000)
})

function listening(server: Server): Promise<void> {
	return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
}

function addressOf(server: Server): string {
	return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

function said(url: string, text: string): Promise<string> {
	const { hostname, port } = new URL(url)
	return new Promise((resolve, reject) => {
		const socket = connect(Number(port), hostname, () => socket.write(text))
		socket.once('data', (data) => {
			socket.destroy()
			resolve(data.toString())
		})
		socket.once('error', reject)
	})
}
