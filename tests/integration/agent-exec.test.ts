import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { authorityOfBearer } from '../../agent/commands/authority.ts'
import { Sender } from '../../agent/commands/sender.ts'
import type { Command, ExecInput, ExecOutput, Sample } from '../../agent/protocol/index.ts'
import { BUSYBOX } from '../fixtures/images.ts'
import { type AgentProcess, startAgent } from './agent-process.ts'
import { docker, removeLeftovers } from './engine-fixture.ts'
import { type IssuerFixture, startIssuer } from './issuer-fixture.ts'
import { until } from './until.ts'

const ALICE = { id: 'u_alice', email: 'alice@example.org', role: 'member' } as const
const ROOT = { id: 'u_root', email: 'root@example.org', role: 'owner' } as const

let issuer: IssuerFixture
let agent: AgentProcess
let home: string
let workloadId: string

beforeAll(async () => {
	home = await mkdtemp(join(tmpdir(), 'lattice-agent-'))
	issuer = await startIssuer()
	agent = await startAgent({ LATTICE_HOME: home, LATTICE_NAME: 'one', LATTICE_INVITE: issuer.invite() })
	const config = { image: BUSYBOX, command: ['sleep', '3600'], resources: { memoryMiB: 32 } }
	const response = await fetch(`${agent.url}/api/workloads/deploy`, {
		method: 'POST',
		headers: { authorization: `Bearer ${await issuer.bearer(ALICE)}`, 'content-type': 'application/json' },
		body: JSON.stringify({ name: 'box', type: 'custom', config }),
	})
	const body = await response.json()
	expect(body).toMatchObject({ status: 'running' })
	workloadId = body.id
})

afterAll(async () => {
	await agent?.stop()
	await issuer?.stop()
	if (agent) await removeLeftovers(agent.peerId)
	await rm(home, { recursive: true, force: true })
})

async function signed(user: typeof ALICE | typeof ROOT, command: Command) {
	return Sender.signed(await authorityOfBearer(issuer.trust, await issuer.bearer(user)), agent.peerId, command)
}

async function exec(
	words: string[],
	input: AsyncIterable<ExecInput>,
	more: { tty?: boolean; user?: typeof ALICE | typeof ROOT; signal?: AbortSignal } = {},
) {
	const { tty = false, user = ALICE, signal = new AbortController().signal } = more
	const command = { kind: 'exec', workloadId, replica: null, command: words, tty, columns: 100, rows: 30 } as const
	return issuer.peer.exec(agent.peerId, await signed(user, command), input, { signal })
}

const bytes = (text: string | Buffer): ExecInput => ({ type: 'data', data: Buffer.from(text).toString('base64') })
async function* typed(...frames: ExecInput[]): AsyncGenerator<ExecInput> {
	yield* frames
}
async function whole(output: AsyncIterable<ExecOutput>, onSaid: (stdout: string) => void = () => undefined) {
	const said = { stdout: '', stderr: '' }
	for await (const frame of output) {
		if (frame.type === 'data') said[frame.stream] += Buffer.from(frame.data, 'base64').toString()
		onSaid(said.stdout)
		if (frame.type === 'exit' || frame.type === 'error') return { ...said, last: frame }
	}
	throw new Error('it ended without an exit')
}

describe('exec over the mesh, on a real engine', () => {
	it('passes input, both outputs and the exit code on', async () => {
		const script = 'cat; echo wrong >&2; exit 7'
		const answer = await whole(await exec(['sh', '-c', script], typed(bytes('hello\n'), { type: 'end' })))
		expect(answer).toEqual({ stdout: 'hello\n', stderr: 'wrong\n', last: { type: 'exit', code: 7, reason: null } })
	})

	it('is a shell in a terminal of the size asked for', async () => {
		let seen = ''
		async function* person(): AsyncGenerator<ExecInput> {
			yield bytes('stty size; tty\n')
			await until('it has a size', 10_000, () => seen.includes('/dev/pts'))
			yield { type: 'resize', columns: 132, rows: 40 }
			yield bytes('sleep 0.2; stty size; exit 3\n')
		}
		const { stdout, last } = await whole(await exec([], person(), { tty: true }), (said) => {
			seen = said
		})
		expect(stdout).toMatch(/30 100/)
		expect(stdout).toMatch(/\/dev\/pts/)
		expect(stdout).toMatch(/40 132/)
		expect(last).toMatchObject({ code: 3 })
	})

	it('carries 32 MiB there and back, however slowly it is read', async () => {
		const block = Buffer.alloc(64 * 1024, 'x')
		async function* flood(): AsyncGenerator<ExecInput> {
			for (let count = 0; count < 512; count++) yield bytes(block)
			yield { type: 'end' }
		}
		let received = 0
		for await (const frame of await exec(['cat'], flood())) {
			if (frame.type === 'data') received += Buffer.from(frame.data, 'base64').length
			if (received % (1024 * 1024) === 0) await new Promise((resolve) => setTimeout(resolve, 2))
			if (frame.type === 'exit') expect(frame.code).toBe(0)
		}
		expect(received).toBe(32 * 1024 * 1024)
	})

	it('names what cannot be run', async () => {
		const { last } = await whole(await exec(['/nowhere'], typed()))
		expect(last).toMatchObject({ type: 'exit' })
		expect(last.type === 'exit' && last.code).toBeGreaterThanOrEqual(126)
	})

	it("is the owner's alone", async () => {
		expect((await whole(await exec(['id'], typed(), { user: ROOT }))).last).toMatchObject({
			type: 'error',
			error: { code: 'NOT_FOUND' },
		})
	})

	it('leaves no program behind when its person goes', async () => {
		const abort = new AbortController()
		const going = whole(await exec(['sleep', '4321'], typed(), { signal: abort.signal }))
		const container = await docker('ps', '--quiet', '--filter', `label=lattice.workload=${workloadId}`)
		const programs = async () => (await docker('top', container, '-o', 'pid,args')).includes('sleep 4321')
		await until('the program runs', 10_000, programs)
		abort.abort()
		await expect(going).rejects.toMatchObject({ code: 'CANCELLED' })
		await until('the program is gone', 10_000, async () => !(await programs()))
	})
})

describe('samples, on a real engine', () => {
	it('are of the machine and of each own container, with rates from the second on', async () => {
		const command = {
			kind: 'samples',
			workloadId: null,
			replicas: true,
			resolution: 'fine',
			since: null,
			follow: true,
		} as const
		const abort = new AbortController()
		const seen: Sample[] = []
		try {
			const frames = issuer.peer.command(agent.peerId, await signed(ALICE, command), { signal: abort.signal })
			for await (const frame of frames) {
				if (frame.type === 'samples') seen.push(...frame.samples)
				if (seen.filter((sample) => sample.workloadId !== null && sample.rxRate !== null).length >= 1) break
			}
		} finally {
			abort.abort()
		}
		const machine = seen.findLast((sample) => sample.workloadId === null)
		expect(machine?.cpu).toBeGreaterThan(0)
		expect(machine?.memoryBytes).toBeLessThan(machine?.memoryLimitBytes ?? 0)
		expect(machine?.diskBytes).toBeGreaterThan(0)
		const replica = seen.findLast((sample) => sample.workloadId !== null)
		expect(replica).toMatchObject({ workloadId, replica: 0, memoryLimitBytes: 32 * 1024 * 1024 })
		expect(await (await fetch(`${agent.url}/metrics`)).text()).toMatch(
			new RegExp(`lattice_used_memory_bytes\\{workload="${workloadId}",replica="0"\\} \\d+`),
		)
	})
})
