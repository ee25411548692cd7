import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Workload } from '../../agent/protocol/index.ts'
import { BUSYBOX } from '../fixtures/images.ts'
import { LatticeHome } from './up-process.ts'

/** The README's way: `up`, an account, and the command line against console, agent and, with no console, the mesh. */
const UP = ['up', '--docker-host', process.env.LATTICE_TEST_DOCKER ?? '']
const CONSOLE_READY = /^console ready (http:\/\/127\.0\.0\.1:\d+)$/
const AGENT_READY = /^agent ready (http:\/\/127\.0\.0\.1:\d+) peer (12D3KooW\w+)$/
const EXIT_PROMISE_MS = 2_000
const PASSWORD = 'correct horse battery'
const WEB = ['--image', BUSYBOX, '--command', 'httpd -f -p 8080', '--port', '8080/http', '--memory', '32']

let folder: string
let lattice: LatticeHome
let up: Awaited<ReturnType<LatticeHome['start']>>
let consoleUrl: string
let agentUrl: string

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), 'lattice-up-'))
	lattice = new LatticeHome(join(folder, 'home'))
	up = await lattice.start(UP, [CONSOLE_READY, AGENT_READY])
	consoleUrl = found(CONSOLE_READY)
	agentUrl = found(AGENT_READY)
	const registered = await fetch(`${consoleUrl}/api/trpc/user.register`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ email: 'ada@example.test', password: PASSWORD }),
	})
	expect(registered.status).toBe(200)
	const login = await lattice.run(['login', '--email', 'ada@example.test'], { LATTICE_PASSWORD: PASSWORD })
	expect(login).toMatchObject({ code: 0, stdout: expect.stringContaining('as ada@example.test (owner)') })
})

afterAll(async () => {
	for (const { id } of await lattice.json<Workload[]>(['list']).catch(() => []))
		await lattice.run(['delete', id, '--yes'])
	await lattice.stopAll()
	const record = join(lattice.path, 'postgres.json')
	if (existsSync(record)) rmSync(JSON.parse(readFileSync(record, 'utf8')).directory, { recursive: true, force: true })
	rmSync(folder, { recursive: true, force: true })
})

function found(pattern: RegExp): string {
	return up.lines.map((line) => pattern.exec(line)?.[1]).find((url) => url !== undefined) ?? ''
}

/** Processes that belong to this home, by what only they have in their environment or arguments. */
function processesOfHome(): string[] {
	const { directory } = JSON.parse(readFileSync(join(lattice.path, 'postgres.json'), 'utf8')) as { directory: string }
	return execFileSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' })
		.split('\n')
		.map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line))
		.filter((match) => match !== null && !match[2]?.startsWith('Z'))
		.filter((match) => belongs(match?.[1] ?? '', match?.[3] ?? '', directory))
		.map((match) => match?.[3] ?? '')
}

function belongs(pid: string, args: string, directory: string): boolean {
	if (args.includes(`postgres -D ${directory}`)) return true
	if (!/(app\/server|agent\/main)\.ts/.test(args)) return false
	try {
		return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`LATTICE_HOME=${lattice.path}`)
	} catch {
		return false // it ended meanwhile
	}
}

async function until(isTrue: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
	const deadline = Date.now() + withinMs
	while (!(await isTrue())) {
		if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms`)
		await sleep(20)
	}
}

const answers = (url: string | null) =>
	fetch(url ?? '').then(
		(response) => response.status,
		() => 0,
	)

describe('the command line', () => {
	it('deploys, shows each step, and the workload answers', async () => {
		const { code, stdout, stderr } = await lattice.run(['deploy', 'web', ...WEB])
		expect({ code, stdout }).toEqual({
			code: 0,
			stdout: expect.stringMatching(/^web {2}running on .+\n {2}host +http:/),
		})
		for (const step of ['accepted', 'placed on', 'creating', 'running']) expect(stderr).toContain(step)
		expect(stderr.match(/ placed on/g)).toHaveLength(1)
		const [web] = await lattice.json<Workload[]>(['list'])
		expect(web).toMatchObject({ name: 'web', status: 'running' })
		expect(await answers(web?.publicUrl ?? null)).toBe(404) // busybox httpd serves an empty folder
	})

	it('tells one failure from another', async () => {
		expect(await lattice.run(['deploy', 'web', ...WEB])).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('error NAME_TAKEN: '),
		})
		expect(await lattice.run(['get', 'nothing'])).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('error NOT_FOUND: '),
		})
		const unknownKey = await lattice.run(['deploy', 'x', '--type', 'postgres', '--image', 'y'])
		expect(unknownKey).toMatchObject({ code: 2, stderr: expect.stringMatching(/^error INVALID_INPUT: .*image/m) })
		const wrong = await lattice.run(['login', '--email', 'ada@example.test', '--password', 'not this one', '--json'])
		expect(wrong.code).toBe(1)
		expect(JSON.parse(wrong.stdout)).toMatchObject({ error: { code: 'BAD_CREDENTIALS' } })
		const asked = await lattice.run(['delete', 'web'])
		expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
	})

	it.each(['console', 'agent'])(
		'stops, starts, restarts, explains, reads logs and deletes through the %s',
		async (way) => {
			const through = way === 'agent' ? ['--agent', agentUrl] : ['--console', consoleUrl]
			const name = `by-${way}`
			const talk = ['--command', "sh -c 'echo hello from inside; exec sleep 1000'"]
			await lattice.json(['deploy', name, '--image', BUSYBOX, ...talk, '--memory', '32', ...through])
			expect(await lattice.json(['stop', name, ...through])).toMatchObject({ status: 'stopped' })
			expect(await lattice.json(['start', name, ...through])).toMatchObject({ status: 'running' })
			expect(await lattice.json(['restart', name, ...through])).toMatchObject({ status: 'running' })
			expect((await lattice.run(['logs', name, '-n', '1', ...through])).stdout).toBe('hello from inside\n')
			const explanation = await lattice.json<{ chosen: unknown[]; candidates: unknown[] }>([
				'explain',
				name,
				...through,
			])
			expect([explanation.chosen.length, explanation.candidates.length]).toEqual([1, 1])
			expect(await lattice.json(['nodes', ...through])).toHaveLength(1)
			expect(await lattice.run(['delete', name, '--yes', ...through])).toMatchObject({
				code: 0,
				stdout: `${name} is deleted\n`,
			})
			expect(await lattice.json<Workload[]>(['list', ...through])).not.toContainEqual(expect.objectContaining({ name }))
		},
	)

	it('is well, and says so', async () => {
		const findings = await lattice.json<{ check: string; status: string }[]>([
			'doctor',
			'--docker-host',
			process.env.LATTICE_TEST_DOCKER ?? '',
		])
		expect(findings.filter(({ status }) => status === 'failed')).toEqual([])
		const checks = findings.map(({ check }) => check)
		expect(checks).toEqual(
			expect.arrayContaining(['engine', 'database', 'console', 'clock', 'agent', 'device certificate']),
		)
	})
})

describe('up', () => {
	it('refuses a second one on its home, and a given port that is taken', async () => {
		expect(await lattice.run(UP)).toMatchObject({
			code: 2,
			stdout: '',
			stderr: expect.stringContaining('is in use by'),
		})
		const server = createServer().listen(0, '127.0.0.1')
		await once(server, 'listening')
		const address = server.address()
		const port = typeof address === 'object' && address ? String(address.port) : ''
		const other = new LatticeHome(join(folder, 'other'))
		const taken = await other.run([...UP, '--port', port])
		server.close()
		expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining(`error PORT_TAKEN: --port: port ${port}`) })
	})

	it('takes everything with it when it is killed, and its workloads go on', async () => {
		const { publicUrl } = await lattice.json<Workload>(['get', 'web'])
		expect(processesOfHome()).toHaveLength(3)
		up.child.kill('SIGKILL')
		await until(() => processesOfHome().length === 0, EXIT_PROMISE_MS)
		expect(await answers(publicUrl)).toBe(404)
	})

	it('without it, an agent alone takes orders from the device that logged in', async () => {
		const agent = await lattice.start(['agent', ...UP.slice(1)], [AGENT_READY])
		expect(await lattice.json<Workload[]>(['list'])).toMatchObject([{ name: 'web', status: 'running' }])
		const offline = await lattice.json<Workload>([
			'deploy',
			'offline',
			'--image',
			BUSYBOX,
			'--command',
			'sleep 1000',
			'--memory',
			'32',
		])
		expect(offline.status).toBe('running')
		expect(await lattice.json(['stop', 'offline'])).toMatchObject({ status: 'stopped' })
		const invite = await lattice.run(['invite'])
		expect(invite).toMatchObject({ code: 1, stderr: expect.stringContaining('error ISSUER_UNAVAILABLE: ') })
		agent.child.kill('SIGINT')
		expect(await once(agent.child, 'exit')).toEqual([0, null])
	})

	it('comes back at the same addresses, with what was ordered meanwhile, and ends in order', async () => {
		up = await lattice.start(UP, [CONSOLE_READY, AGENT_READY])
		expect([found(CONSOLE_READY), found(AGENT_READY)]).toEqual([consoleUrl, agentUrl])
		const named = async () => {
			const list = await lattice.json<Workload[]>(['list', '--console', consoleUrl])
			return Object.fromEntries(list.map(({ name, status }) => [name, status]))
		}
		await until(async () => 'offline' in (await named()), 20_000)
		expect(await named()).toMatchObject({ web: 'running', offline: 'stopped' })
		for (const name of ['web', 'offline']) expect((await lattice.run(['delete', name, '--yes'])).code).toBe(0)
		up.child.kill('SIGINT')
		expect(await once(up.child, 'exit')).toEqual([0, null])
		expect(processesOfHome()).toEqual([])
	})
})
