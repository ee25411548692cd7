import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chown, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'

const run = promisify(execFile)
/** A real PostgreSQL that is not the embedded one: the console must work with any. */
const BIN = process.env.LATTICE_TEST_PG_BIN ?? '/usr/lib/postgresql/15/bin'

export interface PostgresServer {
	/** an empty database of its own */
	createDatabase(): Promise<string>
	/** as a crash: no checkpoint, connections cut */
	crash(): Promise<void>
	start(): Promise<void>
	/** as a disk that hangs: connections stay open, nothing answers; gives back how it goes on */
	freeze(): () => void
	/** stops it and removes its data */
	close(): Promise<void>
}

/** PostgreSQL refuses to run as root, so root starts it as the user postgres. */
async function pgCommand(tool: string, args: string[]): Promise<void> {
	const file = path.join(BIN, tool)
	const isRoot = process.getuid?.() === 0
	await (isRoot ? run('runuser', ['-u', 'postgres', '--', file, ...args], { cwd: '/' }) : run(file, args))
}

export async function startPostgres(): Promise<PostgresServer> {
	const folder = await mkdtemp('/tmp/lattice-test-pg-')
	const data = path.join(folder, 'data')
	const port = await freePort()
	if (process.getuid?.() === 0) {
		const { stdout } = await run('id', ['-u', 'postgres'])
		await chown(folder, Number(stdout.trim()), -1)
	}
	const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder} -c fsync=off`
	const start = () => pgCommand('pg_ctl', ['-D', data, '-o', options, '-l', path.join(folder, 'log'), '-w', 'start'])
	const stop = (mode: string) => pgCommand('pg_ctl', ['-D', data, '-m', mode, '-w', 'stop'])
	await pgCommand('initdb', ['-D', data, '-A', 'trust', '-U', 'lattice', '--no-sync'])
	await start()
	return {
		start,
		crash: () => stop('immediate'),
		freeze: () => {
			const postmaster = readFileSync(path.join(data, 'postmaster.pid'), 'utf8').split('\n', 1).join()
			const backends = execFileSync('ps', ['-o', 'pid=', '--ppid', postmaster], { encoding: 'utf8' })
			// the postmaster first: it would make new backends
			const pids = [postmaster, ...backends.trim().split('\n')].map(Number)
			const all = (signal: NodeJS.Signals) => pids.forEach((pid) => void process.kill(pid, signal))
			all('SIGSTOP')
			return () => all('SIGCONT')
		},
		createDatabase: async () => {
			const name = `t${randomBytes(6).toString('hex')}`
			const client = new pg.Client({ connectionString: `postgresql://lattice@127.0.0.1:${port}/postgres` })
			await client.connect()
			try {
				await client.query(`CREATE DATABASE ${name}`)
			} finally {
				await client.end()
			}
			return `postgresql://lattice@127.0.0.1:${port}/${name}`
		},
		close: async () => {
			await stop('immediate').catch((error: unknown) => {
				// A test may have crashed it already; anything else is worth seeing.
				if (!String(error).includes('PID file')) throw error
			})
			await rm(folder, { recursive: true, force: true })
		},
	}
}

async function freePort(): Promise<number> {
	const server = createServer()
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
	const address = server.address()
	await new Promise((resolve) => server.close(resolve))
	if (address === null || typeof address === 'string') throw new Error('no port')
	return address.port
}
