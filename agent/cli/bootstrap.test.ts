import { execFile } from 'node:child_process'
import {
	appendFileSync,
	copyFileSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

/**
 * When `./lattice` installs, generates and builds: the real script in a small checkout, with an npm and a node that
 * note what they were asked to do. Its build empties build/ as Remix's does.
 */
const BOOTSTRAP = fileURLToPath(new URL('../../lattice', import.meta.url))
const NODE = `#!/bin/sh
if [ "$1" = -p ]; then
	cat "$(dirname "$LOG")/node-major"
elif [ "$1" = -e ]; then
	[ ! -e "$(dirname "$LOG")/holes" ]
elif [ "$1" = --run ]; then
	echo "$2" >>"$LOG"
	sleep 0.2
	[ "$2" != build ] || { rm -rf build && mkdir -p build/server && : >build/server/index.js; }
	[ "$2" != generate ] || mkdir -p app/models/generated
elif [ "$(basename "$1")" = npm-cli.js ]; then
	shift
	printf 'modern ' >>"$LOG"
	exec npm "$@"
else
	echo "start $(basename "$1")" >>"$LOG"
fi
`
const NPM = `#!/bin/sh
echo "npm $1" >>"$LOG"
[ ! -e "$(dirname "$LOG")/offline" ] || exit 1
[ "$1" != install ] || mkdir -p node_modules/node/bin
[ "$1" != ci ] || { rm -rf node_modules && mkdir -p node_modules/node/bin; }
[ "$1" != rebuild ] || cp "$(dirname "$LOG")/node" node_modules/node/bin/node
`

let folder: string
let checkout: string
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), 'lattice-bootstrap-'))
	checkout = join(folder, 'check out')
	for (const path of ['app/routes', 'prisma', 'agent/protocol', '../bin'])
		mkdirSync(join(checkout, path), { recursive: true })
	copyFileSync(BOOTSTRAP, join(checkout, 'lattice'))
	for (const path of ['package.json', 'package-lock.json', 'prisma/schema.prisma', 'app/routes/home.tsx'])
		writeFileSync(join(checkout, path), 'one')
	for (const path of ['node', 'bin/node']) writeFileSync(join(folder, path), NODE, { mode: 0o755 })
	writeFileSync(join(folder, 'bin/npm'), NPM, { mode: 0o755 })
	writeFileSync(join(folder, 'log'), '')
	writeFileSync(join(folder, 'node-major'), '24')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** What it did, and how it ended. */
async function lattice(...args: string[]): Promise<{ did: string[]; code: number; stdout: string; stderr: string }> {
	const log = join(folder, 'log')
	const before = readFileSync(log, 'utf8').length
	const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, LOG: log, NODE_ENV: 'test' as const }
	return new Promise((resolve) => {
		execFile(join(checkout, 'lattice'), args, { env, cwd: '/' }, (error, stdout, stderr) => {
			const did = readFileSync(log, 'utf8').slice(before).trimEnd().split('\n').filter(Boolean)
			resolve({ did, code: error ? Number(error.code) : 0, stdout, stderr })
		})
	})
}
const INSTALL = ['npm ci', 'npm rebuild']

describe('the bootstrap', () => {
	it('does everything once, and on a second start nothing', async () => {
		const first = await lattice('up')
		expect(first.did).toEqual([...INSTALL, 'generate', 'build', 'start main.ts'])
		expect(first.stdout).toBe('')
		expect(await lattice('up')).toMatchObject({ did: ['start main.ts'], stderr: '', code: 0 })
	})

	it('builds for up and test alone, wherever the word stands', async () => {
		expect((await lattice('list')).did).toEqual([...INSTALL, 'start main.ts'])
		expect((await lattice('--home', 'up', 'nodes')).did).toEqual(['start main.ts'])
		expect((await lattice('--json', '--home', 'x', 'up')).did).toEqual(['generate', 'build', 'start main.ts'])
		expect((await lattice('--yes', 'test', 'unit')).did).toEqual(['start main.ts'])
	})

	it('does again only what changed', async () => {
		await lattice('up')
		writeFileSync(join(checkout, 'app/routes/home.test.ts'), 'a test')
		expect((await lattice('up')).did).toEqual(['start main.ts'])
		appendFileSync(join(checkout, 'app/routes/home.tsx'), 'two')
		expect((await lattice('up')).did).toEqual(['build', 'start main.ts'])
		rmSync(join(checkout, 'app/routes/home.tsx'))
		expect((await lattice('up')).did).toEqual(['build', 'start main.ts'])
		appendFileSync(join(checkout, 'prisma/schema.prisma'), 'two')
		expect((await lattice('up')).did).toEqual(['generate', 'start main.ts'])
		appendFileSync(join(checkout, 'package-lock.json'), 'two')
		expect((await lattice('up')).did).toEqual([...INSTALL, 'generate', 'build', 'start main.ts'])
	})

	it('does it once when two start at the same time', async () => {
		await Promise.all([lattice('up'), lattice('up'), lattice('up')])
		const did = readFileSync(join(folder, 'log'), 'utf8').trimEnd().split('\n')
		expect(did.filter((line) => !line.startsWith('start'))).toEqual([...INSTALL, 'generate', 'build'])
		expect(did.filter((line) => line.startsWith('start'))).toHaveLength(3)
	})

	it('says what is wrong, and tries again the next time', async () => {
		writeFileSync(join(folder, 'offline'), '')
		const failed = await lattice('list')
		expect(failed).toMatchObject({
			code: 1,
			stdout: '',
			stderr: expect.stringContaining('error NOT_READY: The packages'),
		})
		expect(failed.did).toEqual(['npm ci'])
		rmSync(join(folder, 'offline'))
		expect((await lattice('list')).did).toEqual([...INSTALL, 'start main.ts'])
	})

	it('keeps the packages that are there when newer ones cannot be had', async () => {
		await lattice('up')
		appendFileSync(join(checkout, 'package-lock.json'), 'two')
		writeFileSync(join(folder, 'offline'), '')
		expect(await lattice('up')).toMatchObject({ did: ['npm ci'], code: 1 })
		expect(existsSync(join(checkout, 'node_modules/node/bin/node'))).toBe(true)
		writeFileSync(join(checkout, 'package-lock.json'), 'one')
		expect((await lattice('up')).did).toEqual(['start main.ts'])
	})

	it('does not take for whole what npm left a hole in', async () => {
		writeFileSync(join(folder, 'holes'), '')
		expect(await lattice('list')).toMatchObject({ did: INSTALL, code: 1 })
		rmSync(join(folder, 'holes'))
		expect((await lattice('list')).did).toEqual([...INSTALL, 'start main.ts'])
	})

	it('brings its own npm where the Node of the machine is too old for what is installed', async () => {
		writeFileSync(join(folder, 'node-major'), '18')
		const installed = ['npm install', 'npm rebuild', 'modern npm ci', 'modern npm rebuild']
		expect((await lattice('list')).did).toEqual([...installed, 'start main.ts'])
		expect((await lattice('list')).did).toEqual(['start main.ts'])
	})

	it('without npm, asks for nothing it may not do', async () => {
		rmSync(join(folder, 'bin'), { recursive: true })
		mkdirSync(join(folder, 'bin'))
		// a machine whose programs are there, but neither node, npm nor apt-get
		for (const name of ['bash', 'dirname', 'readlink', 'cmp', 'id', 'mkdir', 'flock', 'rm', 'cat'])
			if (existsSync(`/usr/bin/${name}`)) copyFileSync(`/usr/bin/${name}`, join(folder, 'bin', name))
		const env = { PATH: join(folder, 'bin'), NODE_ENV: 'test' as const }
		const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
			execFile(join(folder, 'bin', 'bash'), [join(checkout, 'lattice'), 'list'], { env }, (error, _stdout, stderr) =>
				resolve({ code: error?.code, stderr }),
			)
		})
		expect(stderr).toContain('error NOT_READY: Node.js and npm are missing; install them')
		expect(code).toBe(1)
	})
})
