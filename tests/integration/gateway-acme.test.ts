import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request as plainRequest, type Server } from 'node:http'
import { request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TLSSocket, connect as tlsConnect } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { GatewayRig, reportOf } from '../../agent/endpoints/gateway/rig.fixture.ts'
import type { CertificateFiles } from '../../agent/endpoints/gateway/tls-port.ts'
import { freePort, Pebble, selfSigned } from '../fixtures/pebble.ts'

const pebble = new Pebble()
const NAMED = 'web-0000000000.gate.test'
const DATABASE = 'db-0000000000.gate.test'
const DOMAIN = 'shop.example.org'
const DAY_MS = 86_400_000
const PATIENCE = { timeout: 30_000, interval: 100 }

let httpPort = 0
let workload: Server
let rig: GatewayRig
/** how far the gateway's clock is ahead */
let ahead = 0

beforeAll(async () => {
	httpPort = await freePort()
	await pebble.start(httpPort)
	workload = createServer((asked, response) => response.end(`hello over ${asked.headers['x-forwarded-proto']}`))
	workload.listen(0, '127.0.0.1')
	await once(workload, 'listening')
})
afterAll(async () => {
	workload.close()
	await pebble.stop()
})
beforeEach(() => {
	rig = new GatewayRig()
	ahead = 0
	rig.backends.set('h0', (workload.address() as AddressInfo).port)
})
afterEach(async () => {
	await rig.stop()
	await pebble.open().catch(() => undefined)
})

async function start(addresses = ['127.0.0.1'], files: CertificateFiles | null = null): Promise<void> {
	const acme = { email: 'ada@example.org', directory: pebble.directory, rootFile: pebble.rootFile }
	await rig.start({
		httpPort,
		tls: { httpsPort: rig.httpsPort, files, acme },
		lookUp: async () => addresses,
		now: () => Date.now() + ahead,
	})
}

const web = (config = {}) => reportOf('web', { config })
const endpoints = (name = 'web') => rig.routes.of(reportOf(name)[0]?.id ?? '')
const endpointOf = (host: string, name = 'web') => endpoints(name).find(({ url }) => new URL(url).hostname === host)

async function shake(servername: string): Promise<TLSSocket> {
	const socket = tlsConnect({ host: '127.0.0.1', port: rig.httpsPort, servername, ca: pebble.root })
	await once(socket, 'secureConnect')
	return socket
}

/** The serial number of the certificate that a client is shown, which has verified it. */
async function serialOf(servername: string): Promise<string> {
	const socket = await shake(servername)
	const serial = socket.getPeerX509Certificate()?.serialNumber ?? ''
	socket.destroy()
	return serial
}

async function bodyOf(host: string): Promise<string> {
	const options = { host: '127.0.0.1', port: rig.httpsPort, servername: host, headers: { host }, ca: pebble.root }
	const [response] = (await once(request({ ...options, agent: false }).end(), 'response')) as [IncomingMessage]
	return textOf(response)
}

async function textOf(response: IncomingMessage): Promise<string> {
	let text = ''
	for await (const chunk of response) text += chunk
	return text
}

describe('certificates by ACME', () => {
	it('orders one for each name of a workload and for no other, keeps it over a restart, and renews it ahead of its end', async () => {
		await start()
		rig.tell(web({ domains: [DOMAIN] }), reportOf('db', { type: 'postgres', config: {} }))
		await expect.poll(() => endpointOf(NAMED)?.url, PATIENCE).toBe(`https://${NAMED}:${rig.httpsPort}`)
		await expect.poll(() => endpointOf(DOMAIN)?.url, PATIENCE).toBe(`https://${DOMAIN}:${rig.httpsPort}`)
		await expect.poll(() => endpointOf(DATABASE, 'db')?.protocol, PATIENCE).toBe('postgres-tls')
		expect(endpoints().map(({ warning }) => warning)).toEqual(endpoints().map(() => undefined))
		expect(await bodyOf(NAMED)).toBe('hello over https')
		expect(await bodyOf(DOMAIN)).toBe('hello over https')

		await expect(shake('nobody.gate.test')).rejects.toThrow()
		await expect(shake('nobody.example.org')).rejects.toThrow()
		const names = () => rig.certificates.all().map(({ name }) => name)
		expect(names().sort()).toEqual([DATABASE, DOMAIN, NAMED])

		const stored = JSON.stringify(rig.db.prepare('SELECT * FROM gateway_certificate').all())
		expect(stored).toContain('BEGIN CERTIFICATE')
		expect(stored).not.toContain('PRIVATE KEY')

		const first = await serialOf(NAMED)
		await pebble.close()
		await rig.stop()
		await start()
		expect(await serialOf(NAMED)).toBe(first)
		expect(await serialOf(DATABASE)).not.toBe(first)
		await pebble.open()

		const [held] = rig.certificates.all().filter(({ name }) => name === NAMED)
		const { validFromDate, validToDate } = (await shake(NAMED)).getPeerX509Certificate() ?? {}
		const life = Number(validToDate) - Number(validFromDate)
		ahead = life / 2
		rig.tell(web(), reportOf('db', { type: 'postgres', config: {} }))
		await expect.poll(() => endpointOf(NAMED)?.url, PATIENCE).toMatch(/^https:/)
		expect(await serialOf(NAMED)).toBe(first)
		ahead = Math.round((life * 2) / 3) + DAY_MS
		rig.tell(web())
		// Somebody is served all the time: serialOf throws when there is no valid certificate.
		await expect.poll(() => serialOf(NAMED), PATIENCE).not.toBe(first)
		const [renewed] = rig.certificates.all().filter(({ name }) => name === NAMED)
		expect(renewed?.orderedAt).toBeGreaterThan(held?.orderedAt ?? 0)
		expect(renewed?.failures).toBe(0)
	})

	it('goes on in plain while the server is away, says why, and heals', async () => {
		await pebble.close()
		await start()
		rig.tell(web())
		await expect
			.poll(() => endpointOf(NAMED)?.warning, PATIENCE)
			.toMatch(/does not answer \(ECONNREFUSED\)\. The next try/)
		expect(endpointOf(NAMED)?.url).toBe(`http://${NAMED}:${httpPort}`)
		const plain = await fetch(await rig.urlOf('web'))
		expect(await plain.text()).toBe('hello over http')
		await pebble.open()
		rig.tell(web())
		expect(endpointOf(NAMED)?.warning).toBeDefined()
		ahead = 90_000
		rig.tell(web())
		await expect.poll(() => endpointOf(NAMED)?.url, PATIENCE).toBe(`https://${NAMED}:${rig.httpsPort}`)
		expect(endpointOf(NAMED)?.warning).toBeUndefined()
	})

	it('proves a name that leads to another gateway, too: that one asks for the answer', async () => {
		const name = 'both.example.org'
		await pebble.resolve(name, '127.0.0.2')
		const other = new GatewayRig()
		other.others.push(rig)
		other.backends.set('h0', (workload.address() as AddressInfo).port)
		await other.start({ address: '127.0.0.2', hosts: ['127.0.0.2'], httpPort })
		try {
			other.tell(web({ domains: [name] }))
			await start(['127.0.0.2', '127.0.0.1'])
			rig.tell(web({ domains: [name] }))
			await expect.poll(() => endpointOf(name)?.url, PATIENCE).toBe(`https://${name}:${rig.httpsPort}`)
			// A path of that kind that nobody has ordered is the workload's.
			const path = `http://127.0.0.2:${httpPort}/.well-known/acme-challenge/its-own`
			const asked = plainRequest(path, { headers: { host: name }, agent: false }).end()
			const [response] = (await once(asked, 'response')) as [IncomingMessage]
			expect(await textOf(response)).toBe('hello over http')
		} finally {
			await other.stop()
		}
	})

	it('orders nothing for names that a certificate of its own is for', async () => {
		const folder = mkdtempSync(join(tmpdir(), 'lattice-own-'))
		const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
		selfSigned('DNS:*.gate.test', files)
		await start(undefined, files)
		rmSync(folder, { recursive: true })
		rig.tell(web({ domains: [DOMAIN] }))
		await expect.poll(() => endpointOf(DOMAIN)?.url, PATIENCE).toBe(`https://${DOMAIN}:${rig.httpsPort}`)
		expect(rig.certificates.all().map(({ name }) => name)).toEqual([DOMAIN])
		await expect(shake(NAMED)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
	})

	it('says what the server said of a name that it cannot reach', async () => {
		await pebble.resolve('away.example.org', '127.0.0.2')
		await start()
		rig.tell(web({ domains: ['away.example.org'] }))
		await expect
			.poll(() => endpointOf('away.example.org')?.warning, PATIENCE)
			.toMatch(/refused away\.example\.org: .*127\.0\.0\.2.*refused/)
	})
})
