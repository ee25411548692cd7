import { describe, expect, it } from 'vitest'
import type { Subject } from '../identity/index.ts'
import type { CommandOf, ExecInput, ExecOutput } from '../protocol/index.ts'
import { MemoryContainer } from '../runtime/memory-container.ts'
import { MemoryExec } from '../runtime/memory-exec.ts'
import type { ExecOptions } from '../runtime/runtime.ts'
import type { Assignment, ReplicaRow } from '../store/assignments.ts'
import { Execs } from './execs.ts'

const WEB = 'w_00000000000000000000'
const ADA: Subject = { userId: 'ada', email: 'a@x', role: 'member', kind: 'access' }
const LIMITS = { idleMs: 5_000, sessionMs: 10_000, sessions: 2, sessionsOfUser: 1 }

function rig(limits: Partial<typeof LIMITS> = {}, status = 'running') {
	const container = new MemoryContainer('c1', {} as never, {})
	const opened: { options: ExecOptions; session: MemoryExec }[] = []
	const execs = new Execs({
		runtime: {
			exec: async (_id, options) => {
				const session = new MemoryExec(container, options)
				opened.push({ options, session })
				return session
			},
		},
		assignments: {
			get: (id) => (id === WEB ? ({ owner: 'ada' } as Assignment) : null),
			replicas: () => [{ index: 0, containerId: 'c1', status } as ReplicaRow],
		},
		log: { info: () => undefined, warn: (facts) => expect.fail(JSON.stringify(facts)) },
		limits: { ...LIMITS, ...limits },
	})
	const run = (input: AsyncIterable<ExecInput>, more: Partial<CommandOf<'exec'>> = {}, subject = ADA) => {
		const abort = new AbortController()
		const command = {
			kind: 'exec' as const,
			workloadId: WEB,
			replica: null,
			command: [],
			tty: true,
			columns: 80,
			rows: 24,
		}
		return { abort, output: execs.run({ ...command, ...more }, subject, input, { from: 'peer', signal: abort.signal }) }
	}
	return { execs, opened, run, container }
}

const text = (data: string): ExecInput => ({ type: 'data', data: Buffer.from(data).toString('base64') })
async function* typed(...frames: ExecInput[]): AsyncGenerator<ExecInput> {
	yield* frames
}
async function* silent(): AsyncGenerator<ExecInput> {
	await new Promise(() => undefined)
	yield text('')
}
async function all(output: AsyncIterable<ExecOutput>): Promise<ExecOutput[]> {
	const frames: ExecOutput[] = []
	for await (const frame of output) frames.push(frame)
	return frames
}
const said = (frames: ExecOutput[]) =>
	frames.flatMap((frame) => (frame.type === 'data' ? [Buffer.from(frame.data, 'base64').toString()] : [])).join('')

describe('a program in a container', () => {
	it('hears, answers, changes its size and passes its exit code on', async () => {
		const { run, opened } = rig()
		const frames = await all(
			run(typed(text('hello '), { type: 'resize', columns: 120, rows: 40 }, text('exit 7'))).output,
		)
		expect(frames[0]).toEqual({ type: 'ready' })
		expect(said(frames)).toBe('hello exit 7')
		expect(frames.at(-1)).toEqual({ type: 'exit', code: 7, reason: null })
		expect(opened[0]?.options.command[0]).toBe('/bin/sh')
		expect(opened[0]?.session.sizes).toEqual([
			[80, 24],
			[120, 40],
		])
	})

	it('cuts long output into frames', async () => {
		const { run } = rig()
		const long = 'x'.repeat(150_000)
		const pieces = [long.slice(0, 60_000), long.slice(60_000, 120_000), long.slice(120_000)].map(text)
		expect(said(await all(run(typed(...pieces, { type: 'end' })).output))).toBe(long)
	})

	it("is the owner's alone, not even the lattice's owner's", async () => {
		const { run, opened } = rig()
		const boss = run(silent(), {}, { ...ADA, userId: 'boss', role: 'owner' })
		await expect(all(boss.output)).rejects.toMatchObject({ code: 'NOT_FOUND' })
		await expect(all(run(silent(), { workloadId: 'w_11111111111111111111' }).output)).rejects.toMatchObject({
			code: 'NOT_FOUND',
		})
		expect(opened).toEqual([])
	})

	it('wants a replica that runs here', async () => {
		await expect(all(rig({}, 'stopped').run(silent()).output)).rejects.toMatchObject({ code: 'WRONG_STATE' })
		await expect(all(rig().run(silent(), { replica: 3 }).output)).rejects.toMatchObject({ code: 'WRONG_STATE' })
	})

	it('ends when nothing happens, after its longest time, and with its container', async () => {
		const idle = await all(rig({ idleMs: 20 }).run(silent()).output)
		expect(idle.at(-1)).toMatchObject({ type: 'exit', code: null, reason: expect.stringContaining('nothing happened') })
		const long = await all(rig({ sessionMs: 20 }).run(silent()).output)
		expect(long.at(-1)).toMatchObject({ reason: expect.stringContaining('longest time') })
		const { run, container } = rig()
		const going = all(run(silent()).output)
		setTimeout(() => container.emit('changed', 'die'), 10)
		expect((await going).at(-1)).toEqual({ type: 'exit', code: 137, reason: null })
	})

	it('ends with whoever opened it, and makes room', async () => {
		const { run, opened } = rig()
		const first = run(silent())
		const going = all(first.output)
		await expect.poll(() => opened.length).toBe(1)
		await expect(all(run(silent()).output)).rejects.toMatchObject({ code: 'RATE_LIMITED' })
		first.abort.abort()
		expect((await going).at(-1)).toMatchObject({ type: 'exit' })
		expect(await opened[0]?.session.exitCode()).toBe(137)
		expect((await all(run(typed(text('exit 0'))).output)).at(-1)).toMatchObject({ code: 0 })
	})
})
