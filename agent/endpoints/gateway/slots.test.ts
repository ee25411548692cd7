import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Balancer } from './balancer.ts'
import { HttpGateway } from './http.ts'
import { Slots } from './limits.ts'

describe('the connections that a workload may have', () => {
	const backend = createServer((_, response) => response.end('ok'))
	let port = 0
	let gateway: HttpGateway
	/** asks were answered "not mine" only now, as another gateway does after a round trip */
	const decide: (() => void)[] = []

	beforeAll(async () => {
		await once(backend.listen(0, '127.0.0.1'), 'listening')
		const dial = async () => {
			const stream = connect((backend.address() as AddressInfo).port, '127.0.0.1')
			await once(stream, 'connect')
			return { stream, path: { kind: 'local', through: null, rttMs: null } }
		}
		const backends = [{ peerId: 'h', replica: 0, doubtful: false }]
		const route = { workloadId: 'w', port: { container: 80 }, wanted: true, coming: false, backends }
		const modules = { dialer: { dial }, route: () => route, isSettled: () => true }
		gateway = new HttpGateway({
			balancer: new Balancer(modules as unknown as ConstructorParameters<typeof Balancer>[0]),
			slots: new Slots(3),
			onPath: () => undefined,
			byHost: () => ({ key: 'k', workloadId: 'w' }),
			check: (path: string) =>
				path.startsWith('/.well-known/acme-challenge/')
					? new Promise((resolve) => decide.push(() => resolve(null)))
					: null,
		} as unknown as ConstructorParameters<typeof HttpGateway>[0])
		port = await gateway.listen('127.0.0.1', 0)
	})
	afterAll(async () => {
		backend.closeAllConnections()
		backend.close()
		await gateway.close()
	})

	/** of this process, both ends */
	const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
	const status = async (path: string): Promise<number> => {
		const asked = request({ host: '127.0.0.1', port, path, headers: { host: 'web.test' }, agent: false }).end()
		const [response] = (await once(asked, 'response')) as [IncomingMessage]
		response.resume()
		return response.statusCode ?? 0
	}

	it('are given back by those that left while their route was looked for', async () => {
		expect(await status('/')).toBe(200)
		for (let gone = 0; gone < 3; gone++) {
			const before = sockets()
			const socket = connect(port, '127.0.0.1')
			socket.write('GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: web.test\r\n\r\n')
			await expect.poll(() => decide.length).toBe(1)
			socket.resetAndDestroy()
			await expect.poll(sockets).toBeLessThanOrEqual(before)
			for (const each of decide.splice(0)) each()
		}
		await expect.poll(() => status('/')).toBe(200)
		expect(await Promise.all([status('/'), status('/'), status('/')])).toEqual([200, 200, 200])
	})
})
