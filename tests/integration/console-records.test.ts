import { mkdtemp, rm } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CommandResult, LatticeError, type Workload, type WorkloadEvent } from '../../agent/protocol/index.ts'
import { eventually, ScriptedHost } from './console-host.ts'
import { type PostgresServer, startPostgres } from './console-postgres.ts'
import { apiOf, type ConsoleProcess, startConsoleProcess } from './console-process.ts'

const PASSWORD = 'correct horse battery'
const CONFIG = { image: 'busybox', ports: [{ container: 8080, protocol: 'http' as const }] }
let server: PostgresServer
let running: ConsoleProcess
let databaseUrl: string
let home: string
let hosts: ScriptedHost[]
let owner: string
let token: string
let userId: string

beforeAll(async () => {
	server = await startPostgres()
	databaseUrl = await server.createDatabase()
	home = await mkdtemp('/tmp/lattice-test-console-')
	running = await startConsoleProcess(databaseUrl, { home })
	owner = (await apiOf(running.url).user.register.mutate({ email: 'owner@example.org', password: PASSWORD })).token
})
afterAll(async () => {
	await running?.stop()
	await server?.close()
	await rm(home, { recursive: true, force: true })
})

/** One console for all; each test has a person of its own, and its hosts are gone when it ends. */
beforeEach(async ({ task }) => {
	hosts = []
	const email = `${task.id}@example.org`
	const registered = await apiOf(running.url).user.register.mutate({ email, password: PASSWORD })
	token = registered.token
	userId = registered.user.id
})
/** Removed, and not only silent: such a host would be suspected for seconds, and offered to the next test. */
afterEach(async () => {
	const { node } = apiOf(running.url, owner)
	const joined = hosts.filter(({ certificate }) => certificate !== null)
	await Promise.all(joined.map(({ peerId }) => node.remove.mutate({ peerId })))
	await Promise.all(hosts.map((host) => host.stop()))
})

const api = () => apiOf(running.url, token)
const statusOf = async (id: string) => (await api().workload.get.query({ id })).status
const hasStatus = (id: string, status: string) =>
	eventually(async () => {
		const workload = await api().workload.get.query({ id })
		if (workload.status !== status) throw new Error(`it is ${workload.status}: ${workload.statusReason}`)
		return workload as Workload
	})

async function addHost(name: string, prepare: (host: ScriptedHost) => void = () => undefined): Promise<ScriptedHost> {
	const host = new ScriptedHost(name)
	prepare(host)
	hosts.push(host)
	const { token: invite } = await apiOf(running.url, owner).node.invite.mutate({ ttlSeconds: 600 })
	await host.join(invite)
	await eventually(async () => {
		const nodes = await api().node.list.query()
		return nodes.some((node) => node.peerId === host.peerId && node.status === 'alive' && node.capacity.cpus > 0)
	})
	return host
}

async function deploy(name: string, more: object = {}) {
	return api().workload.deploy.mutate({ name, type: 'custom', config: { ...CONFIG, ...more } })
}

async function runningWorkload(host: ScriptedHost, name = 'web'): Promise<Workload> {
	const { id } = await deploy(name)
	await eventually(() => host.reports.has(id))
	host.report(id, { status: 'running' })
	return hasStatus(id, 'running')
}

describe('a deployment', () => {
	it('is sent to the host with a claim and a placement, and follows what the host reports', async () => {
		const host = await addHost('atlas')
		const { id, status } = await deploy('web')
		expect(status).toBe('pending')
		const command = await eventually(() => host.of('deploy')[0])
		expect(command).toMatchObject({ workloadId: id, name: 'web', generation: 1, replicas: [0] })
		expect(command.placement.chosen).toEqual([{ replica: 0, node: { peerId: host.peerId, name: host.name } }])
		for (const step of ['pulling', 'creating', 'starting'] as const) {
			host.report(id, { status: step })
			await hasStatus(id, step)
		}
		const endpoint = { protocol: 'http' as const, container: 8080, replica: 0 }
		const replicas = host.reports.get(id)?.replicas.map((replica) => ({
			...replica,
			endpoints: [
				{ ...endpoint, kind: 'host' as const, url: 'http://127.0.0.1:31000' },
				{ ...endpoint, kind: 'gateway' as const, url: 'http://10.0.0.1:32000' },
				{ ...endpoint, kind: 'gateway' as const, url: 'http://web.lan.example:80' },
			],
		}))
		host.report(id, { status: 'running', ...(replicas && { replicas }) })
		const workload = await hasStatus(id, 'running')
		expect(workload).toMatchObject({ node: { peerId: host.peerId, name: host.name }, statusReason: null, error: null })
		expect(workload.publicUrl).toBe('http://web.lan.example:80')
		const explanation = await api().workload.explain.query({ id })
		expect(explanation.candidates[0]?.reasons.length).toBeGreaterThan(0)
	})

	it('asks the next candidate when a host refuses, and says who refused and why', async () => {
		const refuse = (host: ScriptedHost) => {
			host.script = (command) => (command.kind === 'deploy' ? refusal('NODE_REFUSED', 'no memory left') : null)
		}
		const [unwilling, willing] = [await addHost('unwilling', refuse), await addHost('willing')]
		const first = await deploy('web', { node: unwilling.name })
		const failed = await hasStatus(first.id, 'failed')
		expect(failed.error).toMatchObject({
			code: 'NO_NODE_FITS',
			facts: { rejected: expect.arrayContaining([{ node: unwilling.name, reason: 'no memory left' }]) },
		})
		const ids = await Promise.all(['a', 'b', 'c', 'd'].map(async (name) => (await deploy(name)).id))
		for (const id of ids) await eventually(() => willing.reports.has(id))
		expect(unwilling.reports.size).toBe(0)
	})

	it('ends at once in the error of the order itself', async () => {
		const host = await addHost('atlas', (each) => {
			each.script = (command) => (command.kind === 'deploy' ? refusal('CLAIM_INVALID', 'The claim is wrong.') : null)
		})
		const { id } = await deploy('web')
		expect((await hasStatus(id, 'failed')).error).toMatchObject({ code: 'CLAIM_INVALID' })
		expect(host.of('deploy')).toHaveLength(1)
	})

	it('can be started once a machine is there, when none was', async () => {
		const { id } = await deploy('web')
		await hasStatus(id, 'failed')
		const host = await addHost('late')
		await api().workload.start.mutate({ id })
		await eventually(() => host.reports.has(id))
		host.report(id, { status: 'running' })
		await hasStatus(id, 'running')
	})

	it('spreads replicas, scales up to a new host and down again', async () => {
		const [one, two] = [await addHost('one'), await addHost('two')]
		const { id } = await deploy('web', { replicas: 2 })
		await eventually(() => one.reports.has(id) && two.reports.has(id))
		for (const host of [one, two]) host.report(id, { status: 'running' })
		await hasStatus(id, 'running')
		const three = await addHost('three')
		await api().workload.scale.mutate({ id, replicas: 3 })
		await eventually(() => three.reports.has(id))
		expect(three.of('deploy')[0]).toMatchObject({ replicas: [2], workloadId: id })
		three.report(id, { status: 'running' })
		expect(await hasStatus(id, 'running')).toMatchObject({ replicas: 3 })
		await api().workload.scale.mutate({ id, replicas: 1 })
		const shrunk = [one, two, three].flatMap((host) => host.of('scale'))
		expect(shrunk.map(({ replicas }) => replicas)).toEqual([[], []])
		expect(await api().workload.get.query({ id })).toMatchObject({ replicas: 1, generation: 3 })
	})
})

describe('an order whose console dies', () => {
	it('goes on with the same command at the same host', async () => {
		// The host takes the order and its answer never comes.
		const host = await addHost('atlas', (each) => {
			each.script = (command) => (command.kind === 'deploy' ? silence() : null)
		})
		await addHost('other')
		const { id } = await deploy('web', { node: host.name })
		const first = await eventually(() => host.of('deploy')[0])
		await running.stop('SIGKILL')
		host.script = () => null
		running = await startConsoleProcess(databaseUrl, { home })
		await host.connect()
		await eventually(() => host.reports.has(id))
		expect(host.of('deploy').at(-1)).toEqual(first)
		expect(hosts[1]?.of('deploy')).toEqual([])
	})

	it('is found to run, when the host had taken it', async () => {
		const host = await addHost('atlas')
		host.script = (command) => {
			if (command.kind !== 'deploy') return null
			host.accept(command)
			return silence()
		}
		const { id } = await deploy('web')
		await eventually(() => host.reports.has(id))
		await running.stop('SIGKILL')
		host.report(id, { status: 'running' })
		running = await startConsoleProcess(databaseUrl, { home })
		await host.connect()
		await hasStatus(id, 'running')
	})
})

describe('a host that is away', () => {
	it('makes its workloads unknown, never something invented; when it is back its word counts again', async () => {
		const host = await addHost('atlas')
		const { id } = await runningWorkload(host)
		await host.vanish()
		const unknown = await hasStatus(id, 'unknown')
		expect(unknown.statusReason).toContain(`${host.name} does not answer`)
		const nodes = await api().node.list.query()
		expect(nodes.find(({ peerId }) => peerId === host.peerId)?.status).toBe('down')
		host.report(id, { status: 'unhealthy', statusReason: 'the check failed' })
		await host.comeBack()
		expect((await hasStatus(id, 'unhealthy')).statusReason).toBe('the check failed')
	})

	it('refuses orders with HOST_UNREACHABLE and changes nothing, unless told to wait', async () => {
		const host = await addHost('atlas')
		const { id } = await runningWorkload(host)
		await host.vanish()
		await hasStatus(id, 'unknown')
		for (const order of ['stop', 'start', 'restart', 'delete'] as const) {
			const refused = await api()
				.workload[order].mutate({ id })
				.catch((error: unknown) => error)
			expect(refused).toMatchObject({ data: { httpStatus: 503, lattice: { code: 'HOST_UNREACHABLE' } } })
		}
		await api().workload.delete.mutate({ id, whenBack: true })
		expect(await statusOf(id)).toBe('unknown')
		await host.comeBack()
		await eventually(() => host.of('delete').length > 0)
		host.remove(id)
		await eventually(async () => (await api().workload.list.query()).length === 0)
	})

	it('that has forgotten a workload makes it failed, with the reason', async () => {
		const host = await addHost('atlas')
		const { id } = await runningWorkload(host)
		await host.vanish()
		host.reports.clear()
		await host.comeBack()
		expect((await hasStatus(id, 'failed')).statusReason).toContain('no longer knows this workload')
		await api().workload.delete.mutate({ id })
		expect(await api().workload.list.query()).toEqual([])
	})
})

describe('records', () => {
	it('follow stop and delete; a deleted name is free again', async () => {
		const host = await addHost('atlas')
		const { id } = await runningWorkload(host)
		const stopping = api().workload.stop.mutate({ id })
		await eventually(() => host.of('stop').length > 0)
		host.report(id, { status: 'stopping' })
		expect((await stopping).status).toBe('stopping')
		host.report(id, { status: 'stopped' })
		await hasStatus(id, 'stopped')
		expect((await api().workload.delete.mutate({ id })).status).toBe('deleting')
		host.remove(id)
		await eventually(async () => (await api().workload.list.query()).length === 0)
		await deploy('web')
	})

	it('take in what an agent accepted alone, when its claim is good, and nothing else', async () => {
		const host = await addHost('atlas')
		const web = await runningWorkload(host)
		const known = host.reports.get(web.id)
		if (!known) throw new Error('no report')
		const forged = { ...known, id: `w_${'f'.repeat(20)}`, name: 'forged', commandId: 'forged-command' }
		host.hold(forged)
		const stolen = { ...known, id: `w_${'9'.repeat(20)}`, name: 'foreign' }
		host.tell({ type: 'report', report: { ...stolen, node: { peerId: 'somebody else', name: 'x' } } })
		// Nor can a member make one alone, for somebody who did not ask it to.
		const order2 = { owner: userId, name: 'foisted', commandId: 'foisted-1', workloadId: `w_${'b'.repeat(20)}` }
		const foisted = await host.claim({ ...order2, owner: 'u_somebody' }, owner)
		host.hold({ ...known, ...order2, id: order2.workloadId, claim: foisted })
		// A member may sign claims while the console is away; its certificate is in the claim.
		const id = `w_${'a'.repeat(20)}`
		const order = { owner: userId, name: 'web', commandId: 'agents-command', workloadId: id }
		const claim = await host.claim(order, token)
		host.hold({ ...known, ...order, id, claim, status: 'running' })
		const adopted = await hasStatus(id, 'running')
		// The name was held by an older workload, which keeps it.
		expect(adopted.name).toBe('web-aaaa')
		const names = (await api().workload.list.query()).map(({ name }) => name)
		expect(names.sort()).toEqual(['web', 'web-aaaa'])
	})

	it('keep the timeline once, with byte progress as one step', async () => {
		const host = await addHost('atlas')
		const { id } = await runningWorkload(host)
		const progress = { image: 'busybox', currentBytes: 1, totalBytes: 10, percent: 10, layersDone: 0, layers: 1 }
		host.event(id, 'pulling', { commandId: 'c1', progress })
		host.event(id, 'pulling', { commandId: 'c1', progress: { ...progress, currentBytes: 10, percent: 100 } })
		const pulled = host.event(id, 'pulled', { commandId: 'c1' })
		host.tell({ type: 'event', event: pulled })
		const events = await eventually(async () => {
			const page = await eventsOf(id)
			// The stream begins with what is kept: each step of the pull may still come live before that.
			const steps = page.filter(({ phase }) => phase.startsWith('pull'))
			return steps.length === 2 ? page : null
		})
		expect(events.filter(({ phase }) => phase === 'pulling')).toMatchObject([{ progress: { percent: 100 } }])
		expect(events.filter(({ phase }) => phase === 'pulled')).toHaveLength(1)
		expect(events[0]).toMatchObject({ phase: 'accepted', node: running.peerId })
	})

	it('learn what happened while the console did not hear the host, and bear a NUL in what a container wrote', async () => {
		const host = await addHost('atlas')
		const { id } = await runningWorkload(host)
		await host.vanish()
		const missed = host.event(id, 'unhealthy', { message: 'the check failed' })
		host.script = (command) => (command.kind === 'events' ? timeline(missed) : null)
		host.report(id, { status: 'unhealthy', statusReason: 'it wrote: a\0b and \\u0000' })
		await host.comeBack()
		expect((await hasStatus(id, 'unhealthy')).statusReason).toBe('it wrote: a\ufffdb and \\u0000')
		await eventually(async () => (await eventsOf(id)).some(({ phase }) => phase === 'unhealthy'))
	})

	it('hold credentials sealed, and give them to the owner', async () => {
		const host = await addHost('atlas')
		const { id } = await api().workload.deploy.mutate({ name: 'db', type: 'postgres', config: {} })
		await eventually(() => host.reports.has(id))
		host.credentials.set(id, { username: 'app', password: 'a-very-secret-word', database: 'app' })
		host.report(id, { status: 'running' })
		const workload = await eventually(async () => {
			const now = await api().workload.get.query({ id })
			return now.credentials ? now : null
		})
		expect(workload.credentials).toMatchObject({ password: 'a-very-secret-word' })
		await host.vanish()
		await hasStatus(id, 'unknown')
		expect((await api().workload.get.query({ id })).credentials).toMatchObject({ username: 'app' })
		expect(JSON.stringify(await api().workload.list.query())).not.toContain('a-very-secret-word')
		expect(running.output()).not.toContain('a-very-secret-word')
	})

	it('stop following logs at the host when the reader leaves', async () => {
		const host = await addHost('atlas')
		const { id } = await runningWorkload(host)
		let following = 0
		host.script = (command) => {
			if (command.kind !== 'logs' || !command.follow) return null
			return endless(
				() => (following += 1),
				() => (following -= 1),
			)
		}
		const abort = new AbortController()
		const input = encodeURIComponent(JSON.stringify({ id, lines: 0 }))
		const response = await fetch(`${running.url}/api/trpc/workload.followLogs?input=${input}`, {
			headers: { Authorization: `Bearer ${token}`, Accept: 'text/event-stream' },
			signal: abort.signal,
		})
		const reader = response.body?.getReader()
		let text = ''
		while (!text.includes('line of the log')) text += new TextDecoder().decode((await reader?.read())?.value)
		expect(following).toBe(1)
		abort.abort()
		await eventually(() => following === 0)
	})

	it('read logs from the host', async () => {
		const host = await addHost('atlas')
		const { id } = await runningWorkload(host)
		const { lines } = await api().workload.logs.query({ id, lines: 10 })
		expect(lines).toMatchObject([{ text: 'hello', stream: 'stdout' }])
		expect(host.of('logs')[0]).toMatchObject({ tail: 10, follow: false })
	})

	async function eventsOf(id: string) {
		const response = await fetch(
			`${running.url}/api/trpc/workload.events?input=${encodeURIComponent(JSON.stringify({ id }))}`,
			{
				headers: { Authorization: `Bearer ${token}`, Accept: 'text/event-stream' },
			},
		)
		const events: { phase: string; node: string; progress: unknown }[] = []
		const decoder = new TextDecoder()
		let text = ''
		const reader = response.body?.getReader()
		const deadline = Date.now() + 300
		while (reader && Date.now() < deadline) {
			const chunk = await Promise.race([
				reader.read(),
				new Promise<null>((resolve) => setTimeout(() => resolve(null), 200)),
			])
			if (chunk === null || chunk.done) break
			text += decoder.decode(chunk.value, { stream: true })
		}
		await reader?.cancel()
		for (const line of text.split('\n')) {
			if (!line.startsWith('data: {')) continue
			const value: unknown = JSON.parse(line.slice(6))
			if (typeof value === 'object' && value !== null && 'phase' in value) events.push(value as (typeof events)[number])
		}
		return events
	}
})

describe('invites', () => {
	it('admit one machine, the same one again, and no other', async () => {
		const { token: invite } = await apiOf(running.url, owner).node.invite.mutate({ uses: 1, labels: { room: 'attic' } })
		const racers = [new ScriptedHost('left'), new ScriptedHost('right')]
		hosts.push(...racers)
		const race = await Promise.allSettled(racers.map((host) => host.join(invite)))
		const won = racers.filter((_, index) => race[index]?.status === 'fulfilled')
		expect(won).toHaveLength(1)
		expect(race.find((result) => result.status === 'rejected')).toMatchObject({ reason: { code: 'INVITE_USED' } })
		const first = won[0]?.certificate
		await won[0]?.stop()
		await won[0]?.join(invite)
		expect(won[0]?.certificate).toBe(first)
	})

	it('give a second machine of one name another name', async () => {
		const twins = [await addHost('twin'), await addHost('twin')]
		const names = (await api().node.list.query()).filter(({ peerId }) => twins.some((twin) => twin.peerId === peerId))
		expect(names.map(({ name }) => name).sort()).toEqual(['twin', 'twin-2'])
	})
})

async function* refusal(code: 'NODE_REFUSED' | 'CLAIM_INVALID', message: string) {
	yield { type: 'error' as const, error: new LatticeError(code, message).toJSON() }
}

async function* endless(onStart: () => void, onEnd: () => void) {
	onStart()
	try {
		for (;;) {
			const line = { at: new Date().toISOString(), stream: 'stdout' as const, text: 'line of the log', replica: 0 }
			yield { type: 'logs' as const, lines: [line] }
			await new Promise((resolve) => setTimeout(resolve, 20))
		}
	} finally {
		onEnd()
	}
}

async function* timeline(event: WorkloadEvent) {
	yield { type: 'event' as const, event }
	yield { type: 'result' as const, result: CommandResult.parse({}) }
}

/** Takes the command and says nothing for longer than any test waits. */
async function* silence() {
	await new Promise((resolve) => setTimeout(resolve, 60_000).unref())
	yield { type: 'result' as const, result: CommandResult.parse({}) }
}
