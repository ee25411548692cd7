import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { homeAt, lockHome, runningCommand } from './home.ts'
import { tryLock, waitForLock } from './lock.ts'

let folder: string
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'lattice-lock-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const HOLDER = `
	const { tryLock } = await import(process.argv[1])
	process.send(tryLock(process.argv[2]) !== null)
	setInterval(() => undefined, 1000)
`

async function holder(path: string) {
	const module = new URL('./lock.ts', import.meta.url).href
	const child = spawn(process.execPath, ['--input-type=module', '-e', HOLDER, module, path], {
		stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
	})
	const [locked] = await once(child, 'message')
	expect(locked).toBe(true)
	return child
}

describe('the lock of a file', () => {
	it('is held by one process, and dies with it however it dies', async () => {
		const path = join(folder, 'lock')
		const child = await holder(path)
		try {
			expect(tryLock(path)).toBeNull()
			await expect(waitForLock(path, 60)).rejects.toMatchObject({ code: 'TIMEOUT' })
		} finally {
			child.kill('SIGKILL')
			await once(child, 'exit')
		}
		const lock = tryLock(path)
		expect(lock).not.toBeNull()
		lock?.release()
	})

	it('can be taken again after its release', () => {
		const path = join(folder, 'lock')
		tryLock(path)?.release()
		const again = tryLock(path)
		expect(again).not.toBeNull()
		again?.release()
	})
})

describe('the lock of a home', () => {
	it('names the process that holds it', async () => {
		const home = homeAt(join(folder, 'home'))
		const lock = lockHome(home, 'up')
		// the same process counts as another: the lock belongs to the open file
		expect(() => lockHome(home, 'up')).toThrow(new RegExp(`in use by another lattice \\(process ${process.pid}\\)`))
		lock.release()
		lockHome(home, 'up').release()
	})

	it('says what runs on it', () => {
		const home = homeAt(join(folder, 'home'))
		expect(runningCommand(home)).toBeNull()
		const lock = lockHome(home, 'agent')
		expect(runningCommand(home)).toBe('agent')
		lock.release()
		expect(runningCommand(home)).toBeNull()
	})

	it('says which folder cannot be made', () => {
		expect(() => lockHome(homeAt('/dev/null/home'), 'up')).toThrow(/--home: \/dev\/null\/home cannot be made/)
	})
})
