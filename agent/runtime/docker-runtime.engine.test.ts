import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { containerRuntimeContract } from '../../tests/contracts/container-runtime.ts'
import { startLocalRegistry } from '../../tests/contracts/local-registry.ts'
import { ensureTestImage, rawEngine, TEST_ENGINE, TEST_IMAGE } from '../../tests/contracts/test-engine.ts'
import { DockerRuntime } from './docker-runtime.ts'
import { exitReason } from './exit-reason.ts'
import type { ContainerPlan } from './runtime.ts'

const shell = (script: string) => ['sh', '-c', script]
const STAY = 'trap "exit 0" TERM; while :; do sleep 0.1; done'

beforeAll(ensureTestImage)

describe('DockerRuntime', () => {
	containerRuntimeContract(async () => {
		const registry = await startLocalRegistry()
		const engine = rawEngine()
		const pullable = `${registry.address}/team/app:1`
		const forget = async (image: string) => {
			const present = (await engine.listImages()).some(({ RepoTags }) => RepoTags?.includes(image))
			if (present) await engine.getImage(image).remove({ force: true })
		}
		return {
			runtime: new DockerRuntime({ dockerHost: TEST_ENGINE }),
			image: TEST_IMAGE,
			commands: {
				write: (lines) => ['sh', '-c', `for line; do echo "$line"; done; ${STAY}`, 'sh', ...lines],
				count: (lines) => shell(`i=0; while [ $i -lt ${lines} ]; do i=$((i+1)); echo "line $i"; done; ${STAY}`),
				bothStreams: shell(`echo out; echo err >&2; ${STAY}`),
				exit: (code) => shell(`exit ${code}`),
				ignoreTerm: shell('trap "" TERM; echo deaf; while :; do sleep 0.1; done'),
			},
			checks: { passes: ['true'], fails: ['false'] },
			remote: { pullable, missing: `${registry.address}/team/none:1`, unreachable: '127.0.0.1:1/team/app:1' },
			forget,
			async dispose() {
				await forget(pullable)
				await registry.close()
			},
		}
	})
})

describe('DockerRuntime on a real engine', () => {
	const runtime = new DockerRuntime({ dockerHost: TEST_ENGINE })
	const engine = rawEngine()
	const labels = { 'lattice.id': `engine-test-${process.pid}`, 'lattice.owner': 'ada' }
	const [ada, eve] = [`lattice-test-ada-${process.pid}`, `lattice-test-eve-${process.pid}`]
	const volume = `lattice-test-volume-${process.pid}`
	let plans = 0

	const planOf = (overrides: Partial<ContainerPlan> = {}): ContainerPlan => ({
		name: `lattice-engine-test-${process.pid}-${++plans}`,
		image: TEST_IMAGE,
		command: shell(STAY),
		env: { SECRET: 's3cret with spaces = and "quotes"' },
		labels,
		network: ada,
		aliases: [],
		ports: [],
		volumes: [],
		memoryBytes: 64 * 1024 * 1024,
		cpus: 0.5,
		pids: 64,
		shmBytes: null,
		healthcheck: null,
		dropCapabilities: [],
		stopTimeoutS: 5,
		...overrides,
	})

	const run = async (overrides: Partial<ContainerPlan> = {}) => {
		const id = await runtime.create(planOf(overrides))
		await runtime.start(id)
		return id
	}

	/** the lines of a command that writes `end` when it is through */
	const outputOf = async (script: string, overrides: Partial<ContainerPlan> = {}): Promise<string[]> => {
		const id = await run({ ...overrides, command: shell(`${script}; echo end; ${STAY}`) })
		const texts: string[] = []
		for await (const batch of runtime.logs(id, { replica: 0, tail: 10_000, follow: true })) {
			texts.push(...batch.map(({ text }) => text))
			// what a program said on stderr may come after it
			const end = texts.indexOf('end')
			if (end !== -1) return texts.toSpliced(end, 1)
		}
		throw new Error(`it ended early: ${texts.join('\n')}`)
	}

	beforeAll(async () => {
		await runtime.ensureNetwork(ada, labels)
		await runtime.ensureNetwork(eve, labels)
	})
	afterEach(async () => {
		for (const { id } of await runtime.list(labels)) await runtime.remove(id)
	})
	afterAll(async () => {
		for (const { name } of await runtime.volumes(labels)) await runtime.removeVolume(name)
		await runtime.removeNetwork(ada)
		await runtime.removeNetwork(eve)
	})

	it('hardens what the engine holds', async () => {
		await runtime.ensureVolume(volume, labels)
		const id = await run({
			volumes: [{ name: volume, path: '/data' }],
			ports: [{ container: 80, protocol: 'http', bindings: [{ address: '127.0.0.1', port: 28_413 }] }],
			dropCapabilities: ['CHOWN', 'NET_BIND_SERVICE'],
			shmBytes: 32 * 1024 * 1024,
		})
		const { HostConfig, Mounts, Config, NetworkSettings } = await engine.getContainer(id).inspect()
		expect(HostConfig).toMatchObject({
			Privileged: false,
			CapDrop: ['ALL'],
			SecurityOpt: ['no-new-privileges:true'],
			NetworkMode: ada,
			IpcMode: 'private',
			PidMode: '',
			UTSMode: '',
			Binds: null,
			Memory: 64 * 1024 * 1024,
			MemorySwap: 64 * 1024 * 1024,
			NanoCpus: 500_000_000,
			PidsLimit: 64,
			ShmSize: 32 * 1024 * 1024,
			Init: true,
			RestartPolicy: { Name: 'no' },
			LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } },
			PortBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '28413' }] },
		})
		expect(HostConfig.CapAdd.sort()).toEqual(['DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID'])
		expect(Mounts).toMatchObject([{ Type: 'volume', Name: volume, Destination: '/data', Driver: 'local' }])
		expect(Config.Labels).toEqual(labels)
		const subnet = (await engine.getNetwork(ada).inspect()).IPAM?.Config?.[0]?.Subnet
		expect(subnet).toMatch(/^10\.20\d\.\d+\.0\/24$/)
		expect(NetworkSettings.Networks[ada]?.IPAddress.split('.').slice(0, 3)).toEqual(subnet?.split('.').slice(0, 3))
	})

	it('hardens what the process has', async () => {
		const lines = await outputOf('cat /proc/self/status; cat /proc/1/cmdline; echo; ulimit -c; echo "$SECRET"')
		const status = lines.join('\n')
		// CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, FSETID 4, KILL 5, SETGID 6, SETUID 7, NET_BIND_SERVICE 10
		expect(status).toMatch(/CapEff:\t00000000000004fb/)
		expect(status).toMatch(/CapBnd:\t00000000000004fb/)
		expect(status).toMatch(/NoNewPrivs:\t1/)
		expect(status).toMatch(/Seccomp:\t2/)
		expect(status).toContain('docker-init')
		expect(lines.slice(-2)).toEqual(['0', 's3cret with spaces = and "quotes"'])
	})

	it('drops a hardening that something between agent and engine weakened, with the container', async () => {
		const folder = await mkdtemp(join(tmpdir(), 'lattice-proxy-'))
		const socketPath = join(folder, 'docker.sock')
		// a proxy that makes every container privileged, as an authorisation plugin or a wrapper could
		const proxy = createServer((incoming, outgoing) => {
			const chunks: Buffer[] = []
			incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
			incoming.on('end', () => {
				let body = Buffer.concat(chunks)
				if (incoming.url?.includes('/containers/create')) {
					const options = JSON.parse(body.toString())
					options.HostConfig.Privileged = true
					options.HostConfig.Binds = ['/etc:/host-etc']
					body = Buffer.from(JSON.stringify(options))
				}
				const headers = { ...incoming.headers, 'content-length': body.length }
				const target = { socketPath: TEST_ENGINE.slice(7), path: incoming.url, method: incoming.method, headers }
				const forward = request(target, (answer) => {
					outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
					answer.pipe(outgoing)
				})
				forward.end(body)
			})
		})
		await new Promise<void>((resolve) => proxy.listen(socketPath, resolve))
		try {
			const through = new DockerRuntime({ dockerHost: `unix://${socketPath}` })
			await expect(through.create(planOf())).rejects.toMatchObject({
				code: 'HARDENING_MISMATCH',
				facts: { mismatches: expect.arrayContaining([expect.objectContaining({ field: 'Privileged' })]) },
				message: expect.stringMatching(/Binds/),
			})
			expect(await runtime.list(labels)).toEqual([])
		} finally {
			proxy.close()
			proxy.closeAllConnections()
			await rm(folder, { recursive: true })
		}
	})

	it('lets replicas of a tenant meet by name, and tenants not at all', async () => {
		const id = await run({
			aliases: ['web'],
			command: shell('mkdir /www; echo hello from web > /www/index.html; exec httpd -f -p 8080 -h /www'),
		})
		const address = (await runtime.inspect(id))?.address
		// nslookup and nc: a static busybox cannot resolve names for its wget
		// `-w` ends a connection that is not made, and not one that says nothing
		const get = (host: string) => `printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 5 nc -w 2 ${host} 8080 | tail -n 1`
		const byName = get("$(nslookup web | awk '/^Address: /{print $2}')")
		const tries = (attempt: string) =>
			`for i in 1 2 3 4 5; do x=$(${attempt}); test -n "$x" && break; sleep 0.2; done; echo "got $x"`
		expect(await outputOf(tries(byName))).toContain('got hello from web')
		expect(await outputOf(`x=$(${get(address ?? '')}); echo "got $x"`, { network: ada })).toContain(
			'got hello from web',
		)
		expect(await outputOf(`x=$(${get(address ?? '')}); echo "got $x"`, { network: eve })).toContain('got ')
	})

	it('joins a long line that the engine cut', async () => {
		const id = await run({
			command: shell(`i=0; while [ $i -lt 6000 ]; do printf '0123456789'; i=$((i+1)); done; echo; echo next; ${STAY}`),
		})
		const texts: string[] = []
		for await (const batch of runtime.logs(id, { replica: 0, tail: 100, follow: true })) {
			texts.push(...batch.map(({ text }) => text))
			if (texts.at(-1) === 'next') break
		}
		expect(texts).toEqual(['0123456789'.repeat(6_000), 'next'])
	})

	it('says what is wrong with an image that cannot be started', async () => {
		const missing = await run({ command: ['/no/such/program'] })
		const deadline = Date.now() + 10_000
		let reason = null
		while (reason === null && Date.now() < deadline) {
			const container = await runtime.inspect(missing)
			reason = container && exitReason(container)
		}
		expect(reason).toMatchObject({ code: 'IMAGE_UNSUITABLE' })
		await expect(run({ cpus: 1000 })).rejects.toMatchObject({ code: 'NODE_REFUSED' })
	})

	it('keeps data in a volume beyond the container, and refuses to remove it while it is used', async () => {
		await runtime.ensureVolume(volume, labels)
		const volumes = [{ name: volume, path: '/data' }]
		await outputOf('echo kept > /data/file', { volumes })
		for (const { id } of await runtime.list(labels)) await runtime.remove(id)
		expect(await outputOf('cat /data/file', { volumes })).toEqual(['kept'])
		await expect(runtime.removeVolume(volume)).rejects.toMatchObject({ code: 'WRONG_STATE' })
	})

	it('kills a container that takes more memory than it has, and says so', async () => {
		const id = await run({ command: shell('x=a; while :; do x="$x$x"; done'), memoryBytes: 16 * 1024 * 1024 })
		const deadline = Date.now() + 20_000
		let reason = null
		while (reason === null && Date.now() < deadline) {
			const container = await runtime.inspect(id)
			reason = container && exitReason(container)
		}
		expect(reason).toMatchObject({ code: 'CONTAINER_EXITED', message: expect.stringContaining('memory') })
	})
})
