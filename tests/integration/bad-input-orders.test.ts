import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ERROR_STATUS, type ErrorCode } from '../../agent/protocol/index.ts'
import { type LocalRegistry, startLocalRegistry, tar } from '../contracts/local-registry.ts'
import { BUSYBOX } from '../fixtures/images.ts'
import { type OwnEngine, remainsOf, startOwnEngine } from './engine-fixture.ts'
import {
	ACCOUNT,
	cli,
	ended,
	gone,
	type Refusal,
	rest,
	type TrpcClient,
	trpc,
	trpcRefusal,
	WEB,
} from './stack-clients.ts'
import { type Stack, startStack } from './stack-fixture.ts'
import { until } from './until.ts'

/**
 * Orders that cannot be carried out, each by every door: tRPC (at once, or in the workload's record), the agent's REST,
 * the CLI. The same code and the same sentence everywhere, the right status, and nothing is left behind.
 */

/** More than the engine's disk has room for. */
const FILES = 4_000
const OVERFULL = 'overfull:1'

let engine: OwnEngine
let registry: LocalRegistry
let stack: Stack
let token: string
let owner: TrpcClient
let laptop: string

interface Order {
	name: string
	type: string
	config: object
}

beforeAll(async () => {
	const empty = (index: number) => tar(`file-${index}`, Buffer.alloc(0)).subarray(0, 512)
	const layer = Buffer.concat([...Array.from({ length: 2 * FILES }, (_, index) => empty(index)), Buffer.alloc(1024)])
	registry = await startLocalRegistry((name) => (name === OVERFULL ? { layers: [layer], command: ['/file-0'] } : null))
	engine = await startOwnEngine({ files: FILES, images: [BUSYBOX] })
	stack = await startStack({ dockerHost: engine.dockerHost })
	token = (await trpc(stack).user.register.mutate(ACCOUNT)).token
	owner = trpc(stack, token)
	laptop = await mkdtemp(join(tmpdir(), 'lattice-laptop-'))
	await cli(laptop, ['login', '--console', stack.consoleUrl, '--email', ACCOUNT.email, '--password', ACCOUNT.password])
	const taken = await owner.workload.deploy.mutate({ name: 'taken', type: 'custom', config: WEB })
	await until('taken runs', 60_000, async () => (await owner.workload.get.query({ id: taken.id })).status === 'running')
})
afterAll(async () => {
	await stack?.remove()
	await engine?.remove()
	await registry?.close()
	if (laptop) await rm(laptop, { recursive: true, force: true })
})

/** What could not be carried out may stay as a record that says why; it goes like any other. */
afterEach(async () => {
	const failed = await until('the records tell of every failure', 20_000, async () => {
		const others = (await owner.workload.list.query()).filter(({ name }) => name !== 'taken')
		return others.every(({ status }) => status === 'failed') && others
	})
	const { containers, volumes, networks } = await remainsOf(stack.peerId, undefined, engine.docker)
	expect({ containers: containers.length, volumes, networks: networks.length }).toEqual({
		...{ containers: 1, volumes: [], networks: 1 },
	})
	for (const { id } of failed) await owner.workload.delete.mutate({ id })
	for (const { id } of failed) await gone(owner, id)
	const inAgent = await rest<{ name: string }[]>(stack, token, 'GET', '/api/workloads')
	expect(inAgent.body.map(({ name }) => name)).toEqual(['taken'])
})

const DOORS: Record<string, (order: Order) => Promise<Omit<Refusal, 'facts'>>> = {
	async tRPC(order) {
		let accepted: { id: string }
		try {
			accepted = await owner.workload.deploy.mutate(order)
		} catch (error) {
			return trpcRefusal(Promise.reject(error))
		}
		const { status, error } = await ended(owner, accepted.id)
		if (status !== 'failed' || !error) throw new Error(`it is ${status}, and its error is ${JSON.stringify(error)}`)
		return { status: ERROR_STATUS[error.code], code: error.code, message: error.message }
	},
	async REST(order) {
		const { status, body } = await rest(stack, token, 'POST', '/api/workloads/deploy', order)
		return { status, code: body.error?.code, message: body.error?.message }
	},
	async CLI({ name, type, config }) {
		const file = join(laptop, 'config-of-order.json')
		await writeFile(file, JSON.stringify(config))
		const { code, json, stderr } = await cli(laptop, ['deploy', name, '--type', type, '--config', file])
		expect(stderr).toContain(`error ${json.error.code}: ${json.error.message}`)
		expect(code).toBe(json.error.code === 'INVALID_INPUT' ? 2 : 1)
		return { status: ERROR_STATUS[json.error.code], code: json.error.code, message: json.error.message }
	},
}

let orders = 0
/** A failed order keeps its name until it is deleted. */
const order = (change: Partial<Order>): Order => ({ name: `bad-${++orders}`, type: 'custom', config: WEB, ...change })
const again = (given: Order): Order => (given.name.startsWith('bad-') ? { ...given, name: order({}).name } : given)
const config = (change: object) => order({ config: { ...WEB, ...change } })

const CASES: [what: string, order: Order, code: ErrorCode, sentence: RegExp][] = [
	['an unknown image', config({ image: 'lattice-test/nowhere:1' }), 'IMAGE_NOT_FOUND', /lattice-test\/nowhere:1/],
	['a registry out of reach', config({ image: 'registry.invalid/x:1' }), 'REGISTRY_UNREACHABLE', /registry\.invalid/],
	['more memory than there is', config({ resources: { memoryMiB: 4_000_000 } }), 'NO_NODE_FITS', /one.*memory/],
	['a node that does not exist', config({ node: 'nowhere' }), 'NO_NODE_FITS', /nowhere/],
	['a taken name', order({ name: 'taken' }), 'NAME_TAKEN', /taken/],
	['a bad name', order({ name: 'Not_A_Name' }), 'INVALID_INPUT', /lower-case letters/],
	[
		'a bad environment key',
		config({ env: { '1A': 'x' } }),
		'INVALID_INPUT',
		/config\.env\.1A: is not an environment key/,
	],
	['an unknown key', config({ privileged: true }), 'INVALID_INPUT', /config.*privileged/],
	['a port that is none', config({ ports: [{ container: 70000, protocol: 'http' }] }), 'INVALID_INPUT', /1 to 65535/],
	[
		'a mount of the host',
		config({ volumes: [{ name: 'v', path: '/proc' }] }),
		'INVALID_INPUT',
		/may not be mounted over/,
	],
	[
		'a command that is not there',
		config({ command: ['/no/such'], volumes: [{ name: 'v', path: '/data' }] }),
		'IMAGE_UNSUITABLE',
		/program.*does not exist/,
	],
	['a container that ends', config({ command: ['sh', '-c', 'exit 3'] }), 'CONTAINER_EXITED', /code 3/],
]

describe.each(CASES)('%s', (_what, given, code, sentence) => {
	it.each(Object.entries(DOORS))('by %s', async (_door, deploy) => {
		const refusal = await deploy(again(given))
		expect(refusal).toMatchObject({ status: ERROR_STATUS[code], code })
		expect(refusal.message).toMatch(sentence)
		expect(refusal.message).toMatch(/[.!?]$/)
	})
})

describe('an unknown type', () => {
	it.each(['tRPC', 'REST'])('by %s', async (door) => {
		const refusal = await DOORS[door]?.(order({ type: 'oracle' }))
		expect(refusal).toMatchObject({
			status: 400,
			code: 'INVALID_INPUT',
			message: expect.stringMatching(/postgres.*\.$/),
		})
	})
})

describe('a body over 1 MiB', () => {
	const huge = { ...WEB, command: Array(250).fill('x'.repeat(8000)) }
	it('by REST', async () => {
		expect(await DOORS.REST?.(order({ config: huge }))).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' })
	})
	it('by tRPC', async () => {
		expect(await DOORS.tRPC?.(order({ config: huge }))).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' })
	})
	it('without a length, in pieces', async () => {
		const { promise: status, resolve, reject } = Promise.withResolvers<number | undefined>()
		const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
		const upload = request(`${stack.agentUrl}/api/workloads/deploy`, { method: 'POST', headers })
		upload.once('response', (response) => resolve(response.statusCode))
		// whoever has answered need not listen to the rest
		upload.on('error', reject)
		for (let piece = 0; piece < 32; piece++) upload.write(Buffer.alloc(64 * 1024, 'x'))
		expect(await status).toBe(413)
		upload.destroy()
	})
})

describe('a disk that is full', () => {
	it.each(Object.entries(DOORS))('by %s', async (_door, deploy) => {
		const refusal = await deploy(config({ image: `${registry.address}/${OVERFULL}` }))
		expect(refusal).toMatchObject({ status: 507, code: 'DISK_FULL' })
		expect(refusal.message).toMatch(/disk.*full; free space.*\.$/)
		expect(await engine.docker('images', '--quiet', '--filter', `reference=${registry.address}/*`)).toBe('')
	})
})

describe('an engine that does not run', () => {
	it('is named by every door, and an order is not kept for later', async () => {
		const startEngine = await engine.stop()
		try {
			await until('the console knows', 30_000, async () => !(await owner.node.list.query())[0]?.engine.ready)
			for (const [door, deploy] of Object.entries(DOORS)) {
				const refusal = await deploy(order({}))
				expect({ door, ...refusal }).toMatchObject({ door, status: 409, code: 'NO_NODE_FITS' })
				expect(refusal.message).toMatch(/one: .*engine.*(does not|not running|is not there).*\./i)
			}
		} finally {
			await startEngine()
		}
		await until('the engine is back', 30_000, async () => (await owner.node.list.query())[0]?.engine.ready)
		await until('taken runs', 30_000, async () => {
			return (await owner.workload.list.query()).some(({ name, status }) => name === 'taken' && status === 'running')
		})
	})
})
