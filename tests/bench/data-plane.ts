import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { Credentials, Workload } from '../../agent/protocol/index.ts'
import { BUSYBOX } from '../fixtures/images.ts'
import { docker } from '../integration/engine-fixture.ts'
import { ACCOUNT, cli, rest, trpc } from '../integration/stack-clients.ts'
import { LATTICE, type Stack, startStack } from '../integration/stack-fixture.ts'
import { until } from '../integration/until.ts'
import { postgresPrograms } from '../run/requirements.ts'
import { type BenchRow, row } from './row.ts'

const run = promisify(execFile)
const ROUNDS = 3
const CLIENTS = 8
const MIB = 1024 * 1024
const BULK_BYTES = 256 * MIB
/** Of what pgbench does to the container's own address; a naive libp2p splice holds 0.16, `ssh -L` 0.39. */
const GOAL_SHARE = 0.3
const WAYS = ['direct', 'ssh -L', 'haproxy', 'connect'] as const
type Way = (typeof WAYS)[number]

interface Ground {
	folder: string
	children: ChildProcess[]
	home: string
}

/**
 * A database and a large file in containers of this machine, four ways in turn: at the container's own address, through
 * `ssh -L`, through haproxy (no encryption, one hop), and through `lattice connect`, which is this machine's CLI, mutual
 * TLS, and the agent.
 */
export async function dataPlane(stack: Stack, token: string, seconds: number): Promise<BenchRow[]> {
	const folder = await mkdtemp(join(tmpdir(), 'lattice-bench-'))
	const ground: Ground = { folder, children: [], home: join(folder, 'laptop') }
	const made: string[] = []
	try {
		const deploy = async (name: string, type: string, config: object) => {
			const { body } = await rest(stack, token, 'POST', '/api/workloads/deploy', { name, type, config })
			if (body.status !== 'running') throw new Error(`${name} does not run: ${JSON.stringify(body)}`)
			made.push(body.id)
			return body
		}
		const db = await deploy('bench-db', 'postgres', { resources: { cpus: 2 } })
		const script = `head -c ${BULK_BYTES} /dev/zero > /tmp/bulk; exec httpd -f -p 8080 -h /tmp`
		const files = await deploy('bench-files', 'custom', {
			image: BUSYBOX,
			command: ['sh', '-c', script],
			ports: [{ container: 8080, protocol: 'http' }],
			resources: { memoryMiB: 512, cpus: 2 },
		})
		const { email, password } = ACCOUNT
		await cli(ground.home, ['login', '--console', stack.consoleUrl, '--email', email, '--password', password])
		await startSshd(ground)
		return [...(await transactions(ground, db, seconds)), ...(await throughput(ground, files))]
	} finally {
		for (const child of ground.children.toReversed()) {
			if (child.exitCode === null && child.signalCode === null && child.kill('SIGTERM')) await once(child, 'exit')
		}
		for (const id of made) await rest(stack, token, 'DELETE', `/api/workloads/${id}`)
		await rm(folder, { recursive: true, force: true })
	}
}

async function transactions(ground: Ground, db: Workload, seconds: number): Promise<BenchRow[]> {
	const credentials = db.credentials ?? {}
	const ports = await waysTo(ground, db, 5432)
	await pgbench(ports.direct, credentials, ['-i', '-q', '-s', '10'])
	const options = ['-S', '-c', String(CLIENTS), '-j', '2', '-T', String(seconds)]
	const best = await turnByTurn(async (way) => {
		const output = await pgbench(ports[way], credentials, options)
		return Number(/tps = ([\d.]+) \(without/.exec(output)?.[1] ?? /tps = ([\d.]+)/.exec(output)?.[1])
	})
	const share = best.connect / best.direct
	return [
		...WAYS.map((way) => row(`pgbench -S -c ${CLIENTS}: ${way}`, best[way], '/s')),
		{ ...row('pgbench: connect / direct', share, ''), goal: `>= ${GOAL_SHARE}`, ok: share >= GOAL_SHARE },
		row('pgbench: ssh -L / direct', best['ssh -L'] / best.direct, ''),
	]
}

async function throughput(ground: Ground, files: Workload): Promise<BenchRow[]> {
	const ports = await waysTo(ground, files, 8080)
	const best = await turnByTurn(async (way) => BULK_BYTES / MIB / (await download(ports[way])))
	const share = best.connect / best['ssh -L']
	return [
		...WAYS.map((way) => row(`256 MiB: ${way}`, best[way], 'MiB/s')),
		{ ...row('256 MiB: connect / ssh -L', share, ''), goal: '>= 1', ok: share >= 1 },
	]
}

/** The best of some rounds of each: what else this machine does meets all alike, and lowers only some. */
async function turnByTurn(measure: (way: Way) => Promise<number>): Promise<Record<Way, number>> {
	const best: Record<Way, number> = { direct: 0, 'ssh -L': 0, haproxy: 0, connect: 0 }
	for (let round = 0; round < ROUNDS; round++) {
		for (const way of WAYS) best[way] = Math.max(best[way], await measure(way))
	}
	return best
}

interface Address {
	host: string
	port: number
}

async function waysTo(ground: Ground, { id, name }: Workload, container: number): Promise<Record<Way, Address>> {
	const filter = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'
	const found = await docker('ps', '--quiet', '--filter', `label=lattice.workload=${id}`)
	const direct = { host: await docker('inspect', '--format', filter, found), port: container }
	const local = async () => ({ host: '127.0.0.1', port: await freePort() })
	const [ssh, haproxy, connect] = [await local(), await local(), await local()]
	ground.children.push(
		spawn('ssh', [
			...SSH,
			'-F',
			join(ground.folder, 'ssh_config'),
			'-NL',
			`${ssh.port}:${direct.host}:${container}`,
			'bench',
		]),
		await startHaproxy(ground, haproxy.port, direct),
		await startConnect(ground, name, connect.port),
	)
	const ways = { direct, 'ssh -L': ssh, haproxy, connect }
	for (const [way, address] of Object.entries(ways)) await until(`${way} accepting`, 20_000, () => accepts(address))
	return ways
}

const SSH = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR']

/** One of its own: keys, port and files; nothing of this machine's is touched. */
async function startSshd({ folder, children }: Ground): Promise<void> {
	for (const key of ['host', 'user'])
		await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, key)])
	await writeFile(join(folder, 'authorized'), await readFile(join(folder, 'user.pub')))
	const port = await freePort()
	const sshd = ['UsePAM no', 'StrictModes no', `HostKey ${folder}/host`, `AuthorizedKeysFile ${folder}/authorized`]
	await writeFile(
		join(folder, 'sshd_config'),
		[...sshd, `PidFile ${folder}/sshd.pid`, 'PermitRootLogin yes', ''].join('\n'),
	)
	const client = ['Host bench', 'HostName 127.0.0.1', `Port ${port}`, 'User root', `IdentityFile ${folder}/user`]
	await writeFile(join(folder, 'ssh_config'), `${client.join('\n')}\n`)
	await run('mkdir', ['-p', '/run/sshd'])
	children.push(
		spawn(
			'/usr/sbin/sshd',
			['-D', '-e', '-f', join(folder, 'sshd_config'), '-p', String(port), '-o', 'ListenAddress=127.0.0.1'],
			{ stdio: 'ignore' },
		),
	)
	await until('sshd', 10_000, () => accepts({ host: '127.0.0.1', port }))
}

async function startHaproxy({ folder }: Ground, port: number, { host, port: to }: Address): Promise<ChildProcess> {
	const file = join(folder, `haproxy-${port}.cfg`)
	const timeouts = ['connect 5s', 'client 60s', 'server 60s'].map((each) => `  timeout ${each}`)
	const lines = [
		'global',
		'  nbthread 1',
		'defaults',
		'  mode tcp',
		...timeouts,
		'listen bench',
		`  bind 127.0.0.1:${port}`,
		`  server origin ${host}:${to}`,
	]
	await writeFile(file, `${lines.join('\n')}\n`)
	return spawn('/usr/sbin/haproxy', ['-f', file], { stdio: 'ignore' })
}

async function startConnect({ home }: Ground, name: string, port: number): Promise<ChildProcess> {
	const words = ['--home', home, '--json', 'connect', name, '--local', String(port)]
	const child = spawn(LATTICE, words, { stdio: ['ignore', 'pipe', 'inherit'] })
	const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
	const { path } = JSON.parse(line)
	if (path?.kind !== 'direct') throw new Error(`connect takes another path: ${line}`)
	return child
}

async function pgbench({ host, port }: Address, credentials: Credentials, options: string[]): Promise<string> {
	const { username = '', password, database = '' } = credentials
	const target = ['-h', host, '-p', String(port), '-U', username, database]
	const program = join(postgresPrograms() ?? '', 'pgbench')
	const { stdout } = await run(program, [...options, ...target], { env: { ...process.env, PGPASSWORD: password } })
	return stdout
}

/** Seconds for the whole file. */
function download({ host, port }: Address): Promise<number> {
	return new Promise((resolve, reject) => {
		const began = performance.now()
		let received = 0
		const callback = (bytes: number) => {
			received += bytes
			return true
		}
		const socket = connect({
			host,
			port,
			onread: { buffer: Buffer.alloc(MIB), callback },
		})
		socket.write(`GET /bulk HTTP/1.0\r\n\r\n`)
		socket.once('error', reject)
		socket.once('close', () => {
			if (received >= BULK_BYTES) resolve((performance.now() - began) / 1000)
			else reject(new Error(`only ${received} bytes came from ${host}:${port}`))
		})
	})
}

function accepts({ host, port }: Address): Promise<boolean> {
	return new Promise((resolve) => {
		const socket = connect({ host, port }, () => resolve(true))
		socket.once('error', () => resolve(false)).once('connect', () => socket.destroy())
	})
}

function freePort(): Promise<number> {
	return new Promise((resolve, reject) => {
		const server = createServer().once('error', reject)
		server.listen(0, '127.0.0.1', () => {
			const address = server.address()
			const port = typeof address === 'object' && address ? address.port : 0
			server.close(() => resolve(port))
		})
	})
}

if (process.argv[1] === import.meta.filename) {
	const stack = await startStack()
	try {
		const { token } = await trpc(stack).user.register.mutate(ACCOUNT)
		for (const { name, value, unit, goal, ok } of await dataPlane(stack, token, Number(process.argv[2] ?? 5)))
			console.log(
				`${name.padEnd(34)} ${String(value).padStart(9)} ${unit.padEnd(5)} ${goal === null ? '' : `${ok ? 'ok' : 'MISSED'} ${goal}`}`,
			)
	} finally {
		await stack.remove()
	}
}
