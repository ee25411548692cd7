import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Home, homeAt } from '../home.ts'
import { judgeCertificate } from './certificates.ts'
import { checkEngine, checkHome, checkNode, checkPorts, judgeDisk } from './machine.ts'
import { checkAgent, checkConsole, checkDatabase, judgeClock } from './services.ts'

let home: Home
beforeEach(() => {
	home = homeAt(mkdtempSync(join(tmpdir(), 'lattice-doctor-')))
})
afterEach(() => rmSync(home.path, { recursive: true, force: true }))

const GIB = 1024 ** 3

describe('doctor', () => {
	it('judges the runtime and the disk', () => {
		expect(checkNode('20.1.0').status).toBe('failed')
		expect(checkNode('24.0.0').status).toBe('ok')
		expect([50 * GIB, 2 * GIB, GIB / 2].map((free) => judgeDisk('/', free).status)).toEqual(['ok', 'warning', 'failed'])
	})

	it('judges who may touch the home', () => {
		const at = (mode: number) => {
			chmodSync(home.path, mode)
			return checkHome(home).status
		}
		expect([0o700, 0o755, 0o777].map(at)).toEqual(['ok', 'warning', 'failed'])
		expect(checkHome(homeAt(join(home.path, 'none'))).status).toBe('ok')
		writeFileSync(join(home.path, 'file'), '')
		expect(checkHome(homeAt(join(home.path, 'file'))).status).toBe('failed')
	})

	it('judges the clock by the leeway that tokens have', () => {
		expect([500, 30_000, -400_000].map((ahead) => judgeClock(ahead).status)).toEqual(['ok', 'warning', 'failed'])
		expect(judgeClock(-30_000).detail).toBe('30 s behind the console')
	})

	it('judges certificates by what is left', () => {
		const judge = (days: number) => judgeCertificate('c', days * 86_400, 7, 'do').status
		expect([30, 3, -1].map(judge)).toEqual(['ok', 'warning', 'failed'])
	})

	it('asks the engine, ports, database, console and agent themselves', async () => {
		expect((await checkEngine(`unix://${home.path}/none.sock`)).status).toBe('failed')
		expect((await checkPorts(home, async () => true)).status).toBe('ok')
		expect((await checkPorts(home, async (_host, port) => port !== 4001)).detail).toMatch(/^4001 taken/)
		expect((await checkConsole(undefined))[0]?.status).toBe('warning')
		const server = createServer()
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
		const address = server.address()
		const port = typeof address === 'object' && address ? address.port : 0
		expect((await checkDatabase({ host: '127.0.0.1', port })).status).toBe('ok')
		await new Promise((resolve) => server.close(resolve))
		for (const finding of [
			await checkDatabase({ host: '127.0.0.1', port }),
			...(await checkConsole(`http://127.0.0.1:${port}`)),
			await checkAgent(`http://127.0.0.1:${port}`),
		]) {
			expect(finding).toMatchObject({ status: 'failed', remedy: expect.stringContaining('lattice up') })
		}
	})
})
