import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { until } from '../integration/until.ts'
import { type BenchRow, row } from './row.ts'

const PROGRAMS = ['/usr/bin/wrk', '/usr/sbin/haproxy', '/usr/sbin/nginx']
const CONNECTIONS = 50
/** of haproxy's requests a second, on one thread as the gateway has one */
const GOAL_SHARE = 0.5
const ROUNDS = 3

/** Requests a second at 50 connections through the gateway, and through haproxy in the same run, to one nginx. */
export async function run(seconds: number): Promise<BenchRow[]> {
	const missing = PROGRAMS.filter((program) => !existsSync(program))
	if (missing.length > 0) throw new Error(`apt-get install wrk haproxy nginx-light: ${missing.join(', ')} is not here`)
	const folder = await mkdtemp(join(tmpdir(), 'lattice-bench-'))
	const children: ChildProcess[] = []
	try {
		const [origin, balancer] = [await freePort(), await freePort()]
		await writeFile(join(folder, 'nginx.conf'), nginxConfig(folder, origin))
		await writeFile(join(folder, 'haproxy.cfg'), haproxyConfig(origin, balancer))
		children.push(start('/usr/sbin/nginx', '-c', join(folder, 'nginx.conf')))
		children.push(start('/usr/sbin/haproxy', '-f', join(folder, 'haproxy.cfg')))
		const gateway = spawn(process.execPath, [join(import.meta.dirname, 'gateway-process.ts'), String(origin)], {
			stdio: ['ignore', 'pipe', 'inherit'],
		})
		children.push(gateway)
		const [url] = (await once(createInterface({ input: gateway.stdout }), 'line')) as [string]
		const urls = { direct: `http://127.0.0.1:${origin}/`, haproxy: `http://127.0.0.1:${balancer}/`, gateway: url }
		for (const each of Object.values(urls))
			await until(each, 10_000, () =>
				fetch(each).then(
					(answer) => answer.ok,
					() => false,
				),
			)
		const best: Record<string, number> = {}
		// Turn by turn: what else this machine does meets all three alike.
		for (let round = 0; round < ROUNDS; round++) {
			for (const [name, each] of Object.entries(urls)) {
				best[name] = Math.max(best[name] ?? 0, await requestsPerSecond(each, seconds))
			}
		}
		const { direct = 0, haproxy = 0, gateway: ours = 0 } = best
		const share = ours / haproxy
		return [
			row(`HTTP at ${CONNECTIONS} connections: nginx itself`, direct, '/s'),
			row(`HTTP at ${CONNECTIONS} connections: haproxy`, haproxy, '/s'),
			row(`HTTP at ${CONNECTIONS} connections: gateway`, ours, '/s'),
			{ ...row('gateway, of haproxy', share, ''), goal: `>= ${GOAL_SHARE}`, ok: share >= GOAL_SHARE },
		]
	} finally {
		for (const child of children) if (child.exitCode === null && child.kill('SIGTERM')) await once(child, 'exit')
		await rm(folder, { recursive: true, force: true })
	}
}

function start(file: string, ...args: string[]): ChildProcess {
	return spawn(file, args, { stdio: 'ignore' })
}

async function requestsPerSecond(url: string, seconds: number): Promise<number> {
	const { stdout } = await promisify(execFile)('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, url])
	if (/Non-2xx/.test(stdout)) throw new Error(`${url} failed:\n${stdout}`)
	return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
}

function freePort(): Promise<number> {
	return new Promise((resolve, reject) => {
		const server = createServer()
		server.once('error', reject)
		server.listen(0, '127.0.0.1', () => {
			const address = server.address()
			server.close(() =>
				typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
			)
		})
	})
}

function nginxConfig(folder: string, port: number): string {
	const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
		(each) => `${each}_temp_path ${folder}/${each};`,
	)
	return `daemon off; pid ${folder}/nginx.pid; error_log /dev/null; worker_processes 1;
events { worker_connections 1024; }
http { access_log off; keepalive_requests 10000000; ${paths.join(' ')}
server { listen 127.0.0.1:${port}; location / { return 200 "hello hello hello"; } } }
`
}

function haproxyConfig(origin: number, port: number): string {
	return `global
  nbthread 1
defaults
  mode http
  option forwardfor
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend lattice
  bind 127.0.0.1:${port}
  default_backend origin
backend origin
  server nginx 127.0.0.1:${origin}
`
}

if (process.argv[1] === import.meta.filename) {
	for (const { name, value, unit, goal, ok } of await run(Number(process.argv[2] ?? 5))) {
		console.log(
			`${name.padEnd(44)} ${String(value).padStart(9)} ${unit.padEnd(3)} ${goal === null ? '' : `${ok ? 'ok' : 'MISSED'} ${goal}`}`,
		)
	}
}
