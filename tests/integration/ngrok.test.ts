import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import { LocalEdge } from '../../agent/endpoints/ngrok/local-edge.fixture.ts'
import type { Endpoint } from '../../agent/protocol/index.ts'
import { BUSYBOX } from '../fixtures/images.ts'
import { ACCOUNT, type Answer, trpc, trpcRefusal, WEB } from './stack-clients.ts'
import { LATTICE, type Stack, startStack } from './stack-fixture.ts'
import { until } from './until.ts'

const ECHO = {
	image: BUSYBOX,
	command: ['nc', '-ll', '-p', '7000', '-e', 'cat'],
	ports: [{ container: 7000, protocol: 'tcp' as const }],
	resources: { memoryMiB: 32, cpus: 0.2 },
}

/** The real SDK, an edge of our own, real containers; the token on its whole way. */
describe('a workload exposed by ngrok', () => {
	const folder = mkdtempSync(join(tmpdir(), 'lattice-ngrok-'))
	const edge = new LocalEdge(folder)
	let stack: Stack
	let bearer: string
	let web: Answer
	let echo: Answer

	beforeAll(async () => {
		const env = { LATTICE_NGROK_SERVER_ADDR: await edge.start(), LATTICE_NGROK_ROOT_CAS: edge.rootCas }
		stack = await startStack({ env })
		bearer = (await trpc(stack).user.register.mutate(ACCOUNT)).token
	})
	afterAll(async () => {
		await stack?.remove()
		edge.stop()
		await rm(folder, { recursive: true, force: true })
	})
	const explainFailure = () => void onTestFailed(() => void process.stderr.write(stack.output))

	const settings = (input: string | null, ...words: string[]) =>
		new Promise<{ code: number; out: string }>((resolve) => {
			const env = { ...process.env, LATTICE_URL: stack.consoleUrl, LATTICE_TOKEN: bearer }
			const args = ['settings', 'ngrok', ...words, '--json']
			const child = execFile(LATTICE, args, { env }, (error, stdout, stderr) => {
				resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: stdout + stderr })
			})
			child.stdin?.end(input ?? '')
		})

	async function deploy(name: string, config: object): Promise<Answer> {
		const order = { name, type: 'custom', config: { ...config, expose: ['ngrok'] } }
		return (await trpc(stack, bearer).workload.deploy.mutate(order)) as Answer
	}

	const now = async ({ id }: Answer) => (await trpc(stack, bearer).workload.get.query({ id })) as Answer
	const saysOf = (workload: Answer, text: string) =>
		until(`${workload.name}: ${text}`, 30_000, async () => (await now(workload)).statusReason?.includes(text) === true)
	const tunnelOf = (workload: Answer): Promise<Endpoint> =>
		until(`the tunnel of ${workload.name}`, 30_000, async () => {
			const { endpoints } = await now(workload)
			return endpoints.find(({ kind, reachable }) => kind === 'ngrok' && reachable !== false) ?? false
		})
	const hasLibrary = () => /ngrok.*\.node/.test(readFileSync(`/proc/${stack.pidOf('agent')}/maps`, 'utf8'))

	it('runs without a token, says so, and loads no library', async () => {
		explainFailure()
		web = await deploy('web', WEB)
		await saysOf(web, 'no auth token')
		expect((await now(web)).status).toBe('running')
		expect(hasLibrary()).toBe(false)
	})

	it("shows ngrok's own refusal, without the token", async () => {
		explainFailure()
		expect(await settings('2thisIsNotTheRightToken\n', '--token-stdin')).toMatchObject({ code: 0 })
		await saysOf(web, 'ERR_NGROK_105')
		expect((await now(web)).statusReason).not.toContain('2thisIsNot')
	})

	it('is reached from outside by HTTP and TCP once there is a good one', async () => {
		explainFailure()
		const { code, out } = await settings(edge.token, '--token-stdin')
		expect({ code, token: out.includes(edge.token), set: out.includes('"configured": true') }).toEqual({
			code: 0,
			token: false,
			set: true,
		})
		const http = await tunnelOf(web)
		expect((await fetch(http.url)).status).toBe(200)
		expect(await now(web)).toMatchObject({ publicUrl: http.url, statusReason: null })
		echo = await deploy('echo', ECHO)
		const { hostname, port } = new URL((await tunnelOf(echo)).url)
		const socket = connect({ host: hostname, port: Number(port) })
		socket.write('hello')
		const [answer] = (await once(socket, 'data')) as [Buffer]
		socket.destroy()
		expect(answer.toString()).toBe('hello')
	})

	it('is reached again after the way to ngrok broke', async () => {
		explainFailure()
		edge.cut()
		await until('the page again', 30_000, async () => {
			const { url } = await tunnelOf(web)
			return fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(2_000) }).then(
				({ ok }) => ok,
				() => false,
			)
		})
	})

	it('has no tunnel any more when it is stopped, or deleted, or the token is taken away', async () => {
		explainFailure()
		expect(edge.fronts.size).toBe(2)
		await trpc(stack, bearer).workload.delete.mutate({ id: echo.id })
		await until('one tunnel', 30_000, async () => edge.fronts.size === 1)
		await trpc(stack, bearer).workload.stop.mutate({ id: web.id })
		await until('no tunnel', 30_000, async () => edge.fronts.size === 0)
		await trpc(stack, bearer).workload.start.mutate({ id: web.id })
		await tunnelOf(web)
		expect(await settings(null, '--clear')).toMatchObject({ code: 0 })
		await saysOf(web, 'no auth token')
		expect(edge.fronts.size).toBe(0)
	})

	it('leaves no trace of the token, and only who may sets it', async () => {
		explainFailure()
		await settings(edge.token, '--token-stdin')
		await tunnelOf(web)
		expect(stack.output).not.toContain(edge.token)
		const { directory }: { directory: string } = JSON.parse(readFileSync(join(stack.home, 'postgres.json'), 'utf8'))
		const search = ['-c', 'grep -rlaF -- "$@" || true', 'sh', edge.token, stack.home, directory]
		const found = execFileSync('sh', search)
		expect(found.toString()).toBe('')
		const bob = await trpc(stack).user.register.mutate({ ...ACCOUNT, email: 'bob@example.test' })
		const refused = trpcRefusal(trpc(stack, bob.token).settings.setNgrok.mutate({ token: edge.token }))
		expect((await refused).code).toBe('FORBIDDEN')
		expect((await trpcRefusal(trpc(stack, bob.token).settings.ngrok.query())).code).toBe('FORBIDDEN')
	})
})
