import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Home, homeAt } from './home.ts'
import { Ports, portIsFree, rememberedPorts } from './ports.ts'

let home: Home
beforeEach(() => {
	home = homeAt(mkdtempSync(join(tmpdir(), 'lattice-ports-')))
})
afterEach(() => rmSync(home.path, { recursive: true, force: true }))

const free = (...taken: number[]) => {
	const busy = new Set(taken)
	return async (_host: string, port: number) => !busy.has(port)
}
const pick = (ports: Ports, given?: number) => ports.pick('console', '127.0.0.1', given, '--port')

describe('ports', () => {
	it('are the default, then the next free one', async () => {
		expect(await pick(new Ports(home, free()))).toBe(3000)
		rmSync(home.file('ports.json'))
		expect(await pick(new Ports(home, free(3000, 3001)))).toBe(3002)
	})

	it('are remembered, also when the default is free again', async () => {
		await pick(new Ports(home, free(3000)))
		expect(rememberedPorts(home).console).toBe(3001)
		expect(await pick(new Ports(home, free()))).toBe(3001)
		expect(await pick(new Ports(home, free(3001)))).toBe(3000)
	})

	it('that were given are taken as they are, not remembered, and an error when taken', async () => {
		expect(await pick(new Ports(home, free()), 8080)).toBe(8080)
		expect(rememberedPorts(home).console).toBeUndefined()
		await expect(pick(new Ports(home, free(8080)), 8080)).rejects.toMatchObject({
			code: 'PORT_TAKEN',
			message: expect.stringContaining('--port: port 8080'),
		})
	})

	it('are never picked twice in one start', async () => {
		const ports = new Ports(home, free())
		expect(await ports.pick('mesh', '0.0.0.0', 3000, '--mesh-port')).toBe(3000)
		expect(await pick(ports)).toBe(3001)
	})

	it('are asked of the kernel', async () => {
		const server = createServer()
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
		const address = server.address()
		const port = typeof address === 'object' && address ? address.port : 0
		expect(await portIsFree('127.0.0.1', port)).toBe(false)
		await new Promise((resolve) => server.close(resolve))
		expect(await portIsFree('127.0.0.1', port)).toBe(true)
		await expect(portIsFree('203.0.113.7', port)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
	})
})
