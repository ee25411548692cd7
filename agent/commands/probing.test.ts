import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reportOf } from '../endpoints/gateway/rig.fixture.ts'
import type { Endpoint } from '../protocol/index.ts'
import { Probing } from './probing.ts'

const OWNER = { userId: 'ada', email: 'ada@example.test', role: 'member', kind: 'access' } as const
const STRANGER = { ...OWNER, userId: 'eve' }

describe('the test of an endpoint', () => {
	const server = createServer((_, response) => response.writeHead(401).end())
	let url = ''
	beforeAll(async () => {
		server.listen(0, '127.0.0.1')
		await once(server, 'listening')
		url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
	})
	afterAll(() => void server.close())

	const reports = reportOf('web')
	const workloadId = reports[0]?.id ?? ''
	function probe(
		endpoint: Partial<Endpoint>,
		asked = endpoint.url ?? url,
		subject: typeof OWNER | typeof STRANGER = OWNER,
	) {
		const via = { peerId: 'g', name: 'g' }
		const whole: Endpoint = { kind: 'gateway', protocol: 'http', url, container: 80, replica: null, via, ...endpoint }
		const probing = new Probing({ peerId: 'g', directory: { of: () => reports, routes: () => [whole] } })
		return probing.probe({ kind: 'probe', workloadId, url: asked }, subject as typeof OWNER)
	}

	it('measures what answers, whatever it says', async () => {
		const { measured } = await probe({})
		expect(measured).toMatchObject({ answered: true, httpStatus: 401, problem: null, resolvedMs: null })
		expect(measured?.answeredMs).toBeGreaterThan(0)
	})

	it('says in words what does not', async () => {
		const { measured } = await probe({ protocol: 'tcp', url: 'tcp://127.0.0.1:1' })
		expect(measured).toMatchObject({ answered: false, problem: expect.stringContaining('refused') })
	})

	it('dials nothing but endpoints of the subject’s own workloads, and nothing inside another machine', async () => {
		await expect(probe({}, 'http://127.0.0.1:22')).rejects.toMatchObject({ code: 'NOT_FOUND' })
		await expect(probe({}, url, STRANGER)).rejects.toMatchObject({ code: 'NOT_FOUND' })
		const elsewhere = await probe({ via: { peerId: 'h1', name: 'h1' } })
		expect(elsewhere.measured).toMatchObject({ answered: false, connectedMs: null })
		const metadata = await probe({ url: 'http://169.254.169.254' })
		expect(metadata.measured).toMatchObject({ answered: false, connectedMs: null })
	})
})
