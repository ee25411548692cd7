import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import type { Workload } from '../../agent/protocol/index.ts'
import { CHATTER, createLattice, type TestLattice } from './lattice.ts'
import type { Machine } from './machine.ts'
import { until } from './until.ts'

const MEMBER = join(import.meta.dirname, '../fixtures/malicious-member.ts')
const ALIVE = { h1: 'alive', h2: 'alive', h3: 'alive' } as const

describe('a member that has gone bad', () => {
	let lattice: TestLattice
	let bad: ChildProcess
	let answers: AsyncIterator<string>
	let onH2: Workload
	let onH3: Workload
	let said = ''

	beforeAll(async () => {
		lattice = await createLattice({ hosts: 3 })
		const { h2, h3 } = lattice
		onH2 = await place(h2, 'on-h2')
		onH3 = await place(h3, 'on-h3')
		await h3.stop()
		// The same home, certificate and address: nobody can tell it from the machine that was let in.
		bad = h3.host.spawn([process.execPath, MEMBER], {
			env: {
				LATTICE_HOME: h3.home,
				LATTICE_NAME: 'h3',
				LATTICE_AGENT_HOST: h3.host.ownIp,
				LATTICE_DOCKER_HOST: 'unix:///run/docker.sock',
			},
			stdio: ['pipe', 'pipe', 'pipe'],
		})
		bad.stderr?.on('data', (chunk: Buffer) => {
			said += chunk
		})
		answers = createInterface({ input: bad.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
		const { value } = await answers.next()
		if (!value) throw new Error(`it did not start: ${said}`)
		await lattice.allSee(ALIVE, [lattice.h1, h2], 20_000)
	})
	afterAll(async () => {
		if (bad?.exitCode === null) {
			bad.kill('SIGKILL')
			await once(bad, 'exit')
		}
		await lattice?.down()
	})
	const explainFailure = () => void onTestFailed(() => void process.stderr.write(`${lattice.outputs()}\n${said}`))

	async function place(machine: Machine, name: string): Promise<Workload> {
		const order = { name, type: 'custom', config: { ...CHATTER, node: machine.name } }
		const { status, body } = await lattice.rest(lattice.h2, 'POST', '/api/workloads/deploy', order)
		expect(status).toBe(201)
		await lattice.record(body.id, 'running')
		return body
	}

	async function act(name: string): Promise<unknown> {
		const about = { act: name, victim: lattice.h2.peerId, workloadId: onH2.id }
		bad.stdin?.write(`${JSON.stringify(about)}\n`)
		const { value } = await answers.next()
		return JSON.parse(String(value)).answer
	}

	/** Named in the metrics of that machine's agent. */
	async function isNamed(machine: Machine, metric: string, labels: Record<string, string>): Promise<void> {
		await until(`${machine.name} counts ${metric} ${JSON.stringify(labels)}`, 10_000, async () => {
			const text = await (await fetch(`${machine.agentUrl}/metrics`)).text()
			const lines = text.split('\n').filter((line) => line.startsWith(metric))
			const found = lines.some((line) => Object.entries(labels).every(([k, v]) => line.includes(`${k}="${v}"`)))
			return found || { missed: lines.join('\n') }
		})
	}

	function log(machine: Machine, part: 'agent' | 'console'): string[] {
		const text = readFileSync(join(machine.home, 'logs', `${part}.log`), 'utf8')
		return text.split('\n').filter((line) => line.includes(lattice.h3.peerId))
	}

	it('commands nothing: forged, altered, redirected and in the name of another are refused, and it is named', async () => {
		explainFailure()
		const { h2, h3 } = lattice
		// A person's order, for it as their host: all that it ever has of them.
		await lattice.rest(h2, 'GET', `/api/workloads/${onH3.id}`)
		expect(await act('commands')).toEqual({
			forged: 'UNAUTHENTICATED',
			impersonated: 'GRANT_INVALID',
			redirected: 'GRANT_INVALID',
			altered: 'GRANT_INVALID',
		})
		expect(await lattice.placesOf(onH2.id)).toEqual(['h2'])
		await isNamed(h2, 'lattice_refused_commands_total', { from: h3.peerId, code: 'GRANT_INVALID' })
		await isNamed(h2, 'lattice_refused_commands_total', { from: h3.peerId, code: 'UNAUTHENTICATED' })
		expect(log(h2, 'agent').join('\n')).toContain('refused a command')
	})

	it('gives nobody a workload, and takes none: neither the console nor a node believes its reports', async () => {
		explainFailure()
		const { h1, h2, h3 } = lattice
		expect(await act('reports')).toBe(3)
		for (const machine of [h1, h2]) {
			const reason = 'reported a workload that it was not given'
			await isNamed(machine, 'lattice_member_offences_total', { by: h3.peerId, reason })
		}
		await until('the console says who it was', 10_000, () =>
			log(h1, 'console').some((line) => line.includes('a report without a valid claim')),
		)
		const records = await lattice.trpc().workload.list.query()
		expect(records.map(({ name }) => name).sort()).toEqual(['on-h2', 'on-h3'])
		const record = await lattice.trpc().workload.get.query({ id: onH2.id })
		expect(record).toMatchObject({ node: { name: 'h2' }, generation: onH2.generation, status: 'running' })
		for (const machine of [h1, h2]) {
			const { body } = await lattice.rest<Workload[]>(machine, 'GET', '/api/workloads')
			const seen = body.map(({ name, node, generation }) => `${name} at ${node?.name}, ${generation}`)
			expect(seen.sort()).toEqual(['on-h2 at h2, 1', 'on-h3 at h3, 1'])
		}
		const stopped = await lattice.rest(h2, 'POST', `/api/workloads/${onH2.id}/restart`)
		expect(stopped).toMatchObject({ status: 200, body: { status: 'running', node: { name: 'h2' } } })
	})

	it('speaks for nobody else: altered gossip and words in the name of another change no view', async () => {
		explainFailure()
		const { h1, h2, h3 } = lattice
		expect(await act('gossip')).toBe(3)
		await isNamed(h1, 'lattice_member_offences_total', { by: h3.peerId })
		await isNamed(h2, 'lattice_member_offences_total', { by: h3.peerId })
		expect(log(h1, 'agent').join('\n')).toContain('a member misbehaves')
		await lattice.allSee(ALIVE, [h1, h2], 5_000)
		const nodes = await lattice.trpc().node.list.query()
		expect(nodes.find(({ name }) => name === 'h2')?.engine.ready).toBe(true)
	})
})
