import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import type { Workload } from '../../agent/protocol/index.ts'
import { selfSigned } from '../fixtures/pebble.ts'
import { postgresPrograms } from '../run/requirements.ts'
import { createLattice, type TestLattice } from './lattice.ts'
import { until } from './until.ts'

const DOMAIN = 'gate.test'
const HTTPS_PORT = 8443
const LOCAL_PORT = 15_433

/** The database runs behind a NAT at h3; h1 is a gateway with ports alone, h2 one with a domain and a certificate. */
describe('a person with psql', () => {
	let lattice: TestLattice
	let db: Workload
	let certificate: { cert: string; key: string }

	beforeAll(async () => {
		lattice = await createLattice({ hosts: 3, nat: 1, members: 1 })
		const { h1, h2, h3 } = lattice
		certificate = { cert: join(h2.host.home, 'gate.pem'), key: join(h2.host.home, 'gate.key') }
		selfSigned(`DNS:*.${DOMAIN}`, certificate)
		const tls = ['--gateway-tls-cert', certificate.cert, '--gateway-tls-key', certificate.key]
		const gateway = ['--gateway', '--gateway-domain', DOMAIN, '--gateway-https', String(HTTPS_PORT), ...tls]
		await Promise.all([lattice.join(h2, ...gateway), lattice.join(h3)])
		await lattice.allSee({ h1: 'alive', h2: 'alive', h3: 'alive' }, lattice.machines, 20_000)
		const order = { name: 'db', type: 'postgres', config: { node: 'h3' } }
		const { status, body } = await lattice.rest(h1, 'POST', '/api/workloads/deploy', order)
		expect(status, JSON.stringify(body)).toBe(201)
		db = body
	})
	afterAll(() => lattice?.down())
	const explainFailure = () => void onTestFailed(() => void process.stderr.write(lattice.outputs()))

	/** Its port at h1's gateway. */
	function portAtGateway(): Promise<URL> {
		return until('the port at the gateway', 20_000, async () => {
			const { body } = await lattice.rest(lattice.h1, 'GET', `/api/workloads/${db.id}`)
			const found = body.endpoints.find(({ via, protocol }) => via?.name === 'h1' && protocol === 'tcp')
			return found ? new URL(found.url) : { missed: JSON.stringify(body.endpoints) }
		})
	}

	/** Types it at h1; what is printed, or what went wrong. */
	async function psql(way: Record<string, string>, statement: string): Promise<string> {
		const { username = '', password = '', database = '' } = db.credentials ?? {}
		const words = Object.entries({ ...way, user: username, dbname: database }).map(([key, value]) => `${key}=${value}`)
		const program = join(postgresPrograms() ?? '', 'psql')
		const options = ['--no-psqlrc', '-At', '-v', 'ON_ERROR_STOP=1', '-c', statement]
		const env = { PGPASSWORD: password, PGCONNECT_TIMEOUT: '10' }
		const { stdout, stderr } = await lattice.h1.host.exec([program, words.join(' '), ...options], { env })
		return `${stdout}${stderr}`.trim()
	}

	it('makes a table by a port of a gateway', async () => {
		explainFailure()
		const { hostname, port } = await portAtGateway()
		const said = await psql({ host: hostname, port }, "CREATE TABLE fruit AS SELECT 'quince' AS name")
		expect(said).toBe('SELECT 1')
	})

	it('reads it by its name at the other gateway, whose certificate is verified', async () => {
		explainFailure()
		// Nobody's DNS knows the name here, so that it is not among the endpoints; whoever knows it is served all the same.
		const way = { host: `db-${db.id.slice(-10)}.${DOMAIN}`, hostaddr: lattice.h2.host.ip, port: String(HTTPS_PORT) }
		const verified = { ...way, sslmode: 'verify-full', sslrootcert: certificate.cert }
		await until('the row', 20_000, async () => {
			const said = await psql(verified, 'SELECT name FROM fruit')
			return said === 'quince' || { missed: said }
		})
		expect(await psql({ ...verified, host: `nobody.${DOMAIN}` }, 'SELECT 1')).not.toBe('1')
		expect(await psql({ ...way, sslmode: 'disable' }, 'SELECT 1')).not.toBe('1')
	})

	it('reads it by connect, and again after the database was restarted', async () => {
		explainFailure()
		const child = lattice.h1.spawnCli(['--json', 'connect', 'db', '--local', String(LOCAL_PORT)])
		try {
			await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')
			const way = { host: '127.0.0.1', port: String(LOCAL_PORT) }
			expect(await psql(way, 'SELECT name FROM fruit')).toBe('quince')
			await lattice.h1.run(['restart', 'db'])
			await until('the row again', 30_000, async () => {
				const said = await psql(way, 'SELECT name FROM fruit')
				return said === 'quince' || { missed: said }
			})
		} finally {
			child.kill('SIGINT')
		}
	})
})
