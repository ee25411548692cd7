import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const BOOTSTRAP = fileURLToPath(new URL('../../lattice', import.meta.url))

let folder: string
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'lattice-main-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run(file: string, args: string[], env: Record<string, string> = {}) {
	// as ./lattice does: it halves what each of these starts costs
	const cache = { NODE_COMPILE_CACHE: join(folder, 'compiled') }
	const clean = { PATH: process.env.PATH, HOME: folder, NODE_ENV: process.env.NODE_ENV, ...cache, ...env }
	const { status, stdout, stderr } = spawnSync(file, args, {
		encoding: 'utf8',
		env: clean,
		cwd: folder,
		timeout: 20_000,
	})
	return { status, stdout, stderr }
}
const cli = (args: string[], env?: Record<string, string>) => run(process.execPath, [MAIN, ...args], env)

describe('the lattice command', () => {
	it.each([[['--help']], [['--version']], [['deploy', '--help']]])('%j ends with 0', (args) => {
		const { status, stdout, stderr } = cli(args)
		expect(status).toBe(0)
		expect(stdout).not.toBe('')
		expect(stderr).toBe('')
	})

	it.each([
		[[], /Name a command/],
		[['dploy'], /Unknown command .dploy./],
		[['up', '--prot', '1'], /Unknown option .--prot./],
		[['up', '--port', '99999'], /Give a port from 1 to 65535/],
		[['up', '--host', 'example.com'], /Give an IP address/],
		[['deploy'], /Missing required argument .name./],
		[['deploy', 'Bad_Name', '--image', 'x'], /NAME: use 1 to 40 lower-case letters/],
		[['deploy', 'web', '--type', 'mysql'], /Allowed choices are postgres, mariadb, mongo, redis, minio, nginx, custom/],
		[['deploy', 'web', '--config', 'nowhere.json'], /nowhere\.json cannot be read/],
		[['invite', '--ttl', 'soon'], /Give a time such as/],
		[['join', 'nonsense'], /This is no invite/],
		[['logs', 'web', '-n', '-3'], /Give a whole number/],
	])('%j is wrong usage: 2', (args, sentence) => {
		const { status, stderr } = cli(args)
		expect(stderr).toMatch(/^error INVALID_INPUT: /m)
		expect(stderr).toMatch(sentence)
		expect(status).toBe(2)
	})

	it('fails with 1 and a remedy when nothing is known or nothing answers', () => {
		const unknown = cli(['list'])
		expect(unknown.stderr).toMatch(/^error UNAUTHENTICATED: No console is known; run "lattice login/m)
		expect(unknown.status).toBe(1)
		const silent = cli(['list'], { LATTICE_URL: 'http://127.0.0.1:9', LATTICE_TOKEN: 'a~b' })
		expect(silent.stderr).toMatch(/^error HOST_UNREACHABLE: http:\/\/127\.0\.0\.1:9 does not answer .*`lattice up`/m)
		expect(silent.status).toBe(1)
	})

	it('puts the error on stdout as JSON with --json, before or after the command', () => {
		for (const args of [
			['list', '--json'],
			['--json', 'list'],
		]) {
			const { stdout, status } = cli(args)
			expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'UNAUTHENTICATED', facts: {} } })
			expect(status).toBe(1)
		}
	})
})

describe('the bootstrap', () => {
	it('runs from anywhere, through a relative link in a folder with a space, and says nothing of its own', () => {
		const links = join(folder, 'my links')
		mkdirSync(links)
		symlinkSync(BOOTSTRAP, join(links, 'real'))
		symlinkSync('real', join(links, 'lattice'))
		const { status, stdout, stderr } = run(join(links, 'lattice'), ['--version'])
		expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '0.1.0\n', stderr: '' })
	})

	it('passes arguments and the exit code through untouched', () => {
		const { status, stderr } = run(BOOTSTRAP, ['deploy', 'a b', '--env', 'X=$(id) "y"'])
		expect(stderr).toMatch(/NAME: use 1 to 40/)
		expect(status).toBe(2)
	})
})
