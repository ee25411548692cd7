import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { backoffMs, type ChildSpec, SupervisedChild } from './child.ts'
import { LogFile } from './log-file.ts'

let folder: string
let child: SupervisedChild | null = null
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'lattice-child-'))
})
afterEach(async () => {
	child?.kill()
	await child?.stop()
	child = null
	rmSync(folder, { recursive: true, force: true })
})

const DEADLINE = { timeout: 10_000, interval: 10 }
const READY = `process.send({ type: 'ready', start: Number(process.env.START) });`
const STAY = `setInterval(() => undefined, 1000);`

function supervise(script: string, more: Partial<ChildSpec> = {}) {
	let starts = 0
	const listeners = { onReady: vi.fn(), onNotice: vi.fn(), onGivenUp: vi.fn() }
	const spec: ChildSpec = {
		name: 'scripted',
		launch: async () => {
			starts += 1
			return { file: process.execPath, args: ['-e', script], env: { ...process.env, START: String(starts) } }
		},
		ready: { kind: 'ipc' },
		format: 'pino',
		stop: [['SIGTERM', 300]],
		guard: { first: 'TERM', last: 'KILL' },
		...more,
	}
	child = new SupervisedChild(spec, { log: new LogFile(join(folder, 'log')), listeners })
	void child.start()
	return { child, listeners, starts: () => starts }
}

describe('a supervised child', () => {
	it('is started again when it dies, and asked anew how', async () => {
		const { child, listeners } = supervise(`${READY}${STAY}`)
		await vi.waitFor(() => expect(listeners.onReady).toHaveBeenCalledWith({ type: 'ready', start: 1 }), DEADLINE)
		process.kill(child.pid ?? 0, 'SIGKILL')
		await vi.waitFor(() => expect(listeners.onReady).toHaveBeenLastCalledWith({ type: 'ready', start: 2 }), DEADLINE)
		expect(listeners.onNotice).toHaveBeenCalledWith('scripted was ended by SIGKILL; starting it again in 0.25 s')
		expect(listeners.onGivenUp).not.toHaveBeenCalled()
	})

	it('is given up at once when its configuration is wrong, and shows what it said', async () => {
		const { listeners, starts } = supervise(`console.error('LATTICE_PORT: is no number'); process.exit(2)`)
		await vi.waitFor(() => expect(listeners.onGivenUp).toHaveBeenCalledOnce(), DEADLINE)
		expect(listeners.onGivenUp).toHaveBeenCalledWith(
			'scripted ended with code 2: its configuration is wrong (see above).',
		)
		await vi.waitFor(
			() => expect(listeners.onNotice).toHaveBeenCalledWith('scripted: LATTICE_PORT: is no number'),
			DEADLINE,
		)
		expect(starts()).toBe(1)
		expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('LATTICE_PORT: is no number\n')
	})

	it('is given up after five starts that never served', async () => {
		const { listeners, starts } = supervise('process.exit(1)')
		await vi.waitFor(() => expect(listeners.onGivenUp).toHaveBeenCalledOnce(), DEADLINE)
		expect(starts()).toBe(5)
	})

	it('is not given up once it served, whatever it ends with', async () => {
		const { listeners } = supervise(`${READY} if (process.env.START === '1') process.exit(2); ${STAY}`)
		await vi.waitFor(() => expect(listeners.onReady).toHaveBeenLastCalledWith({ type: 'ready', start: 2 }), DEADLINE)
		expect(listeners.onGivenUp).not.toHaveBeenCalled()
	})

	it('that cannot be started says so', async () => {
		const { listeners } = supervise('', {
			launch: async () => ({ file: join(folder, 'none'), args: [], env: {} }),
		})
		await vi.waitFor(
			() => expect(listeners.onNotice).toHaveBeenCalledWith(expect.stringMatching(/cannot start .*ENOENT/)),
			DEADLINE,
		)
	})

	it('stops in order, and is killed when it will not', async () => {
		const orderly = supervise(`process.on('SIGTERM', () => process.exit(0)); ${READY}${STAY}`)
		await vi.waitFor(() => expect(orderly.listeners.onReady).toHaveBeenCalled(), DEADLINE)
		await orderly.child.stop()
		expect(orderly.child.pid).toBeNull()

		const stubborn = supervise(`process.on('SIGTERM', () => undefined); ${READY}${STAY}`)
		await vi.waitFor(() => expect(stubborn.listeners.onReady).toHaveBeenCalled(), DEADLINE)
		const began = Date.now()
		await stubborn.child.stop()
		expect(stubborn.child.pid).toBeNull()
		expect(Date.now() - began).toBeGreaterThanOrEqual(290)
		expect(stubborn.listeners.onNotice).not.toHaveBeenCalled()
	})

	it('waits longer each time, up to a limit', () => {
		expect([1, 2, 3, 6, 7, 30].map(backoffMs)).toEqual([250, 500, 1000, 8000, 15_000, 15_000])
	})
})
