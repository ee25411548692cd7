import { afterEach, describe, expect, it, vi } from 'vitest'
import { Keyring } from '../../identity/index.ts'
import { Assignments, type ReplicaRow } from '../../store/assignments.ts'
import { Changes } from '../../store/changes.ts'
import { Database } from '../../store/database.ts'
import { NgrokToken } from '../../store/ngrok-token.ts'
import { Workloads } from '../../store/workloads.ts'
import { FakeEdge } from './fake-edge.fixture.ts'
import { NgrokTunnels } from './tunnels.ts'

const ID = 'w_00000000000000000001'
const URL_OF_HTTP = /^https:\/\/t\d+\.ngrok\.test$/

/** Store and tunnels as the agent composes them, over an ngrok of our own. */
function ground() {
	const db = new Database(':memory:')
	const keyring = Keyring.create()
	const assignments = new Assignments(db)
	const changes = new Changes()
	const edge = new FakeEdge()
	const token = new NgrokToken(db, keyring)
	const logged: string[] = []
	const log = (facts: object, message: string) => void logged.push(message + JSON.stringify(facts))
	const node = { peerId: 'p', name: 'one' }
	const workloads: Workloads = new Workloads(assignments, keyring, node, (id, replica) => tunnels.of(id, replica))
	const modules = { edge, token: () => token.get(), assignments, workloads, changes, log: { info: log, warn: log } }
	const tunnels = new NgrokTunnels(modules, { firstMs: 20, maxMs: 40 })
	const tell = () => changes.emit({ kind: 'workload', workloadId: ID })
	let version = 0
	return {
		assignments,
		edge,
		tunnels,
		workloads,
		logged,
		deploy(expose: string[] = ['ngrok']) {
			const config = {
				image: 'nginx',
				ports: [
					{ container: 80, protocol: 'http' },
					{ container: 70, protocol: 'tcp' },
				],
				expose,
			}
			assignments.put({
				workloadId: ID,
				name: 'web',
				type: 'custom',
				owner: 'u_ada',
				commandId: 'command-1',
				claim: 'claim',
				generation: 1,
				placed: 1,
				desired: 'running',
				keepVolumes: false,
				restartNonce: null,
				...workloads.seal(ID, { env: {}, replicas: 1, ...config }, {}),
				placement: { chosen: [], candidates: [], rejected: [], by: 'test', at: new Date().toISOString() },
				memoryBytes: 1,
				cpus: 1,
				createdAt: Date.now(),
			})
			this.is('running')
		},
		is(status: ReplicaRow['status']) {
			const host = { kind: 'host', address: '127.0.0.1' } as const
			assignments.putReplica({
				workloadId: ID,
				index: 0,
				phase: status,
				status,
				reason: null,
				error: null,
				containerId: 'c',
				restartNonce: null,
				ports: [
					{ ...host, container: 80, protocol: 'http', port: 20_000 },
					{ ...host, container: 70, protocol: 'tcp', port: 20_001 },
				],
				settledOnce: true,
				restarts: 0,
				startedAt: null,
				exitCode: null,
			})
			tell()
		},
		give(given: string | null) {
			version += 1
			if (token.put({ token: given, version })) tunnels.tokenChanged()
		},
		endpoints: () => workloads.report(ID)?.replicas[0]?.endpoints.filter(({ kind }) => kind === 'ngrok') ?? [],
		reason: () => workloads.report(ID)?.statusReason ?? null,
		tell,
	}
}

describe('the tunnels of this host', () => {
	let g: ReturnType<typeof ground>
	const started = () => {
		g = ground()
		g.tunnels.start()
		return g
	}
	afterEach(() => g.tunnels.stop())

	it('open for a workload that is exposed so, and are in its report; a newer one', async () => {
		started().give('good-token')
		g.deploy()
		const before = g.workloads.report(ID)?.revision ?? 0
		await vi.waitFor(() => expect(g.endpoints()).toHaveLength(2))
		const [http, tcp] = g.endpoints()
		expect(http).toMatchObject({ protocol: 'http', container: 80, replica: 0, url: expect.stringMatching(URL_OF_HTTP) })
		expect(tcp).toMatchObject({ protocol: 'tcp', container: 70, url: expect.stringMatching(/^tcp:/) })
		expect([...g.edge.targets.values()]).toEqual(['127.0.0.1:20000', '127.0.0.1:20001'])
		expect(g.workloads.report(ID)?.revision).toBeGreaterThan(before)
		expect(g.edge.sessions).toHaveLength(1)
	})

	it('need no session while nothing is exposed so', async () => {
		started().give('good-token')
		g.deploy(['gateway'])
		await new Promise((resolve) => setTimeout(resolve, 120))
		expect(g.edge.sessions).toEqual([])
	})

	it('say that there is no token, and the workload runs on; open when it comes, close when it goes', async () => {
		started().deploy()
		await vi.waitFor(() => expect(g.reason()).toContain('no auth token'))
		expect(g.workloads.report(ID)?.status).toBe('running')
		g.give('good-token')
		await vi.waitFor(() => expect(g.endpoints()).toHaveLength(2))
		expect(g.reason()).toBeNull()
		g.give(null)
		await vi.waitFor(() => expect(g.reason()).toContain('no auth token'))
		expect(g.endpoints()).toEqual([])
		expect(g.edge.targets.size).toBe(0)
		expect(g.edge.sessions[0]?.closed).toBe(true)
	})

	it("show ngrok's own words and code, without the token, and try again", async () => {
		started().give('wrong-token')
		g.deploy()
		await vi.waitFor(() => expect(g.reason()).toContain('ERR_NGROK_105'))
		expect(g.reason()).not.toContain('wrong-token')
		expect(g.logged.join()).not.toContain('wrong-token')
		g.edge.good = 'wrong-token'
		await vi.waitFor(() => expect(g.endpoints()).toHaveLength(2))
		expect(g.reason()).toBeNull()
	})

	it('one that is refused leaves the others open', async () => {
		started().edge.refusals.set('tcp', 'TCP endpoints need a card on file. ERR_NGROK_8013')
		g.give('good-token')
		g.deploy()
		await vi.waitFor(() => expect(g.reason()).toContain('ERR_NGROK_8013'))
		expect(g.endpoints().map(({ protocol }) => protocol)).toEqual(['http'])
		g.edge.refusals.clear()
		await vi.waitFor(() => expect(g.endpoints()).toHaveLength(2))
		expect(g.reason()).toBeNull()
	})

	it('close with the workload, and the session with the last of them', async () => {
		started().give('good-token')
		g.deploy()
		await vi.waitFor(() => expect(g.edge.targets.size).toBe(2))
		const [before] = g.endpoints()
		g.assignments.setDesired(ID, 'stopped')
		g.is('stopped')
		await vi.waitFor(() => expect(g.edge.sessions[0]?.closed).toBe(true))
		expect(g.edge.targets.size).toBe(0)
		expect(g.endpoints()).toEqual([])
		g.assignments.setDesired(ID, 'running')
		g.is('running')
		await vi.waitFor(() => expect(g.endpoints()).toHaveLength(2))
		expect(g.endpoints()[0]?.url).not.toBe(before?.url)
		g.assignments.forget(ID)
		g.tell()
		await vi.waitFor(() => expect(g.edge.targets.size).toBe(0))
	})

	it('are marked while the session is broken, and no longer when it answers', async () => {
		started().give('good-token')
		g.deploy()
		await vi.waitFor(() => expect(g.endpoints()).toHaveLength(2))
		g.edge.sessions[0]?.events.onLost('connection reset')
		expect(g.endpoints()[0]).toMatchObject({ reachable: false, reason: 'ngrok: connection reset' })
		g.edge.sessions[0]?.events.onAnswer()
		expect(g.endpoints()[0]).not.toHaveProperty('reachable')
	})

	it('close when the agent stops', async () => {
		started().give('good-token')
		g.deploy()
		await vi.waitFor(() => expect(g.edge.targets.size).toBe(2))
		await g.tunnels.stop()
		expect(g.edge.targets.size).toBe(0)
		expect(g.edge.sessions[0]?.closed).toBe(true)
	})
})

describe('the token on this host', () => {
	it('rests sealed, and of two the newer stands', () => {
		const db = new Database(':memory:')
		const token = new NgrokToken(db, Keyring.create())
		expect(token.get()).toBeNull()
		expect(token.put({ token: 'a-secret-token', version: 2 })).toBe(true)
		expect(token.put({ token: 'late', version: 1 })).toBe(false)
		expect(token.get()).toBe('a-secret-token')
		expect(JSON.stringify(db.prepare('SELECT * FROM meta').all())).not.toContain('a-secret-token')
		expect(token.put({ token: null, version: 3 })).toBe(true)
		expect(token.get()).toBeNull()
	})
})
