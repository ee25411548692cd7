import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Keyring } from '../../../identity/index.ts'
import { Database } from '../../../store/database.ts'
import { GatewayCertificates, type IssuedCertificate } from '../../../store/gateway-certificates.ts'
import { Certificates } from './certificates.ts'
import { AcmeFailure, failureOf } from './failure.ts'

const NAME = 'web.gate.test'
const DAY_MS = 86_400_000

let issued: IssuedCertificate
beforeAll(() => {
	const folder = mkdtempSync(join(tmpdir(), 'lattice-acme-'))
	const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
	const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '90', '-subj', '/CN=x']
	execFileSync('openssl', ['req', '-x509', ...made, '-keyout', key, '-out', cert], { stdio: 'ignore' })
	issued = { chain: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
	rmSync(folder, { recursive: true })
})

let store: GatewayCertificates
let now = 0
let orders: string[] = []
let answer: (name: string) => Promise<IssuedCertificate>
let certificates: Certificates
const quiet = () => undefined

function begin(): void {
	certificates = new Certificates({
		store,
		server: {
			issue: (name) => {
				orders.push(name)
				return answer(name)
			},
		},
		onChange: quiet,
		now: () => now,
		log: { info: quiet, warn: quiet },
	})
	certificates.start()
}

const want = (...names: string[]) => {
	certificates.want(new Map(names.map((name) => [name, 'ada'])))
	return certificates.pass()
}

beforeEach(() => {
	store = new GatewayCertificates(new Database(':memory:'), Keyring.create())
	now = Date.now()
	orders = []
	answer = async () => issued
	begin()
})
afterEach(() => certificates.stop())

describe('certificates', () => {
	it('are ordered once, survive a restart, and end', async () => {
		await want(NAME)
		await want(NAME)
		expect(orders).toEqual([NAME])
		certificates.stop()
		begin()
		expect(certificates.contextOf(NAME)).not.toBeNull()
		now += 91 * DAY_MS
		expect(certificates.contextOf(NAME)).toBeNull()
	})

	it('are renewed while the old one is served, and the old one stays when that fails', async () => {
		await want(NAME)
		const first = certificates.contextOf(NAME)
		now += 61 * DAY_MS
		const renewal = Promise.withResolvers<IssuedCertificate>()
		answer = () => renewal.promise
		const passing = want(NAME)
		expect(orders).toHaveLength(2)
		expect(certificates.contextOf(NAME)).not.toBeNull()
		renewal.reject(new AcmeFailure('server', 'The ACME server x does not answer (ECONNREFUSED).', null))
		await passing
		expect(certificates.contextOf(NAME)).not.toBeNull()
		expect(certificates.missingOf(NAME)).toBeNull()
		answer = async () => issued
		now += 60_000
		await certificates.pass()
		expect(orders).toHaveLength(3)
		expect(certificates.contextOf(NAME)).not.toBe(first)
	})

	it('say why there is none, over a restart, which begins no new order', async () => {
		answer = () => Promise.reject(new AcmeFailure('refused', 'The ACME server x refused it: no.', null))
		await want(NAME)
		const reason = `The ACME server x refused it: no. The next try is at ${new Date(now + 60_000).toISOString()}.`
		expect(certificates.missingOf(NAME)).toBe(reason)
		certificates.stop()
		begin()
		await want(NAME)
		expect(certificates.missingOf(NAME)).toBe(reason)
		expect(orders).toHaveLength(1)
	})

	it('are not ordered again at once by an agent that died at the order', async () => {
		answer = () => new Promise(() => undefined)
		void want(NAME)
		certificates.stop()
		begin()
		await want(NAME)
		expect(orders).toHaveLength(1)
		now += 60_000
		void want(NAME)
		expect(orders).toHaveLength(2)
	})

	it('of a name that nobody has any longer are kept to their end and not renewed', async () => {
		await want(NAME)
		now += 70 * DAY_MS
		await want()
		expect(orders).toHaveLength(1)
		expect(store.all()).toHaveLength(1)
		now += 21 * DAY_MS
		await want()
		expect(store.all()).toEqual([])
	})
})

it('tells a server that is away from one that refuses, in one line of bounded length', () => {
	const away = failureOf(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), NAME, 'ca.test')
	expect(away).toMatchObject({ kind: 'server', message: 'The ACME server ca.test does not answer (ECONNREFUSED).' })
	const refused = failureOf(new Error(`no\u001b[31m\nway${'y'.repeat(1_000)}`), NAME, 'ca.test')
	expect(refused.kind).toBe('refused')
	expect(refused.message).not.toMatch(/\p{C}/u)
	expect(refused.message.length).toBeLessThan(400)
})
