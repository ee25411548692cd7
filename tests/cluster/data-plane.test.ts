import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import type { Credentials, Workload } from '../../agent/protocol/index.ts'
import { BUSYBOX } from '../fixtures/images.ts'
import { postgresPrograms } from '../run/requirements.ts'
import { createLattice, type TestLattice } from './lattice.ts'
import { until } from './until.ts'

const CLIENTS = 200
const LOCAL = { web: 18_080, db: 15_432 }

interface Line {
	name: string
	node: string | null
	path: { kind: string; rttMs: number } | null
	error: { code: string } | null
}

/** A person at h1 whose database runs behind a NAT, and whose website runs on a machine that anybody can dial. */
describe('connect from another machine', () => {
	let lattice: TestLattice
	let credentials: Credentials
	const begun: ChildProcess[] = []
	let said = ''

	beforeAll(async () => {
		lattice = await createLattice({ hosts: 3, nat: 1 })
		await lattice.allSee({ h1: 'alive', h2: 'alive', h3: 'alive' }, lattice.machines, 20_000)
		await deploy('web', 'custom', {
			image: BUSYBOX,
			ports: [{ container: 8080, protocol: 'http' }],
			resources: { memoryMiB: 32, cpus: 0.2 },
			node: 'h2',
		})
		const db = await deploy('db', 'postgres', { node: 'h3' })
		credentials = db.credentials ?? {}
	})
	afterAll(async () => {
		for (const child of begun) child.kill('SIGKILL')
		await lattice?.down()
	})
	const explainFailure = () => void onTestFailed(() => void process.stderr.write(`${said}\n${lattice.outputs()}`))

	async function deploy(name: string, type: string, config: object): Promise<Workload> {
		const order = { name, type, config }
		const { status, body } = await lattice.rest(lattice.h1, 'POST', '/api/workloads/deploy', order)
		expect(status, JSON.stringify(body)).toBe(201)
		return body
	}

	async function connect(name: keyof typeof LOCAL): Promise<Line> {
		const child = lattice.h1.spawnCli(['--json', 'connect', name, '--local', String(LOCAL[name])])
		begun.push(child)
		child.stderr?.on('data', (chunk: Buffer) => {
			said += chunk
		})
		const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')) as [string]
		said += `${line}\n`
		return JSON.parse(line)
	}

	async function page(): Promise<number> {
		const { status } = await lattice.h1.host.fetch(`http://127.0.0.1:${LOCAL.web}/cgi-bin/index.cgi`)
		return status
	}

	async function pgbench(...options: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
		const { username = '', password = '', database = '' } = credentials
		const program = join(postgresPrograms() ?? '', 'pgbench')
		const target = ['-h', '127.0.0.1', '-p', String(LOCAL.db), '-U', username, database]
		return lattice.h1.host.exec([program, ...options, ...target], { env: { PGPASSWORD: password } })
	}

	it('goes straight to a host that can be dialled', async () => {
		explainFailure()
		expect(await connect('web')).toMatchObject({ node: 'h2', path: { kind: 'direct' }, error: null })
		expect(await page()).toBe(200)
	})

	it('takes connections that the host keeps ready where only the host can dial', async () => {
		explainFailure()
		const line = await connect('db')
		expect(line).toMatchObject({ node: 'h3', error: null })
		// On a busy machine the mesh may be there first; the better path is found beside it and taken from then on.
		await until('the path ready', 20_000, async () => {
			const { code, stderr } = await pgbench('-i', '-q', '-s', '1')
			expect(code, stderr).toBe(0)
			return line.path?.kind === 'ready' || said.includes('path ready') || { missed: said }
		})
	})

	it(`carries ${CLIENTS} clients of that database at once`, async () => {
		explainFailure()
		const { code, stdout, stderr } = await pgbench('-S', '-c', String(CLIENTS), '-j', '2', '-t', '20')
		expect(code, stderr).toBe(0)
		expect(stdout).toContain(`number of transactions actually processed: ${CLIENTS * 20}/${CLIENTS * 20}`)
	})

	it('works again by itself when the cable was pulled and is back', async () => {
		explainFailure()
		await lattice.lab.cut('h2')
		await until('no page', 20_000, async () => (await page().catch(() => 0)) !== 200)
		await lattice.lab.heal('h2')
		await until('the page again', 30_000, async () => (await page().catch(() => 0)) === 200)
	})
})
