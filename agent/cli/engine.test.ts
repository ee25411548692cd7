import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isDebianRelease, pingEngine } from './engine.ts'

let folder: string
let server: Server | null = null
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'lattice-engine-'))
})
afterEach(async () => {
	if (server) await new Promise((resolve) => server?.close(resolve).closeAllConnections())
	server = null
	rmSync(folder, { recursive: true, force: true })
})

async function serving(status: number | null): Promise<string> {
	const path = join(folder, 'engine.sock')
	const answering = createServer((_request, response) => {
		if (status !== null) response.writeHead(status).end()
	})
	server = answering
	await new Promise<void>((resolve) => answering.listen(path, resolve))
	return `unix://${path}`
}

describe('asking an engine', () => {
	it('believes an answer only', async () => {
		expect(await pingEngine(await serving(200))).toBe('answers')
	})
	it('does not believe an error, a hanging socket, a plain file or nothing', async () => {
		expect(await pingEngine(`unix://${folder}/none.sock`)).toBe('silent')
		writeFileSync(join(folder, 'file.sock'), '')
		expect(await pingEngine(`unix://${folder}/file.sock`)).toBe('silent')
		expect(await pingEngine(await serving(null), 50)).toBe('silent')
	})
	it('does not believe a broken one', async () => {
		expect(await pingEngine(await serving(500))).toBe('silent')
	})
})

describe('where apt-get may be used', () => {
	it.each([
		['ID=debian\n', true],
		['NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n', true],
		['ID=linuxmint\nID_LIKE="ubuntu debian"\n', true],
		['ID=fedora\nID_LIKE="rhel"\n', false],
		['NAME="not debian"\nID=alpine\n', false],
	])('%j', (release, expected) => expect(isDebianRelease(release)).toBe(expected))
})
