import { generateKeyPairSync } from 'node:crypto'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Workload } from '../../agent/protocol/index.ts'
import { remainsOf } from './engine-fixture.ts'
import { ACCOUNT, gone, logIn, settled, type TrpcClient, trpc, trpcRefusal, WEB } from './stack-clients.ts'
import { type Stack, startStack } from './stack-fixture.ts'

/** The main job by tRPC's own client: an account, a container, a database and a store, each used by a real client. */

let stack: Stack
let owner: TrpcClient
let tokens: Awaited<ReturnType<TrpcClient['user']['register']['mutate']>>

beforeAll(async () => {
	stack = await startStack()
	tokens = await trpc(stack).user.register.mutate(ACCOUNT)
	owner = trpc(stack, tokens.token)
})
afterAll(() => stack?.remove())

const deploy = async (name: string, type: string, config: object): Promise<Workload> => {
	const { id } = await owner.workload.deploy.mutate({ name, type, config })
	await settled(owner, id, 'running')
	return owner.workload.get.query({ id })
}

async function remove(id: string): Promise<void> {
	const network = (await remainsOf(stack.peerId, id)).networks
	const answer = await owner.workload.delete.mutate({ id })
	expect(answer.status).toBe('deleting')
	await gone(owner, id)
	expect(await remainsOf(stack.peerId, id)).toEqual({ containers: [], volumes: [], networks: network })
}

describe('an account', () => {
	it('owns the lattice when it is the first one; the next is a member', async () => {
		expect(tokens.user).toEqual({ id: expect.any(String), email: ACCOUNT.email, role: 'owner' })
		expect(await owner.user.me.query()).toEqual(tokens.user)
		const second = await trpc(stack).user.register.mutate({ ...ACCOUNT, email: 'bob@example.test' })
		expect(second.user.role).toBe('member')
		expect(await trpcRefusal(trpc(stack).user.register.mutate(ACCOUNT))).toMatchObject({
			status: 409,
			code: 'EMAIL_TAKEN',
		})
	})

	it('rotates its refresh token, and reuse voids the whole login', async () => {
		const login = await trpc(stack).user.login.mutate(ACCOUNT)
		const next = await trpc(stack).user.refresh.mutate({ refreshToken: login.refreshToken })
		expect(next.refreshToken).not.toBe(login.refreshToken)
		expect(await trpc(stack, next.token).user.me.query()).toEqual(tokens.user)
		const again = trpc(stack).user.refresh.mutate({ refreshToken: login.refreshToken })
		expect(await trpcRefusal(again)).toMatchObject({ status: 401, code: 'REFRESH_REUSED' })
		const stolen = trpc(stack).user.refresh.mutate({ refreshToken: next.refreshToken })
		expect(await trpcRefusal(stolen)).toMatchObject({ status: 401 })
		expect(await trpcRefusal(trpc(stack).user.me.query())).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' })
	})

	it('gets a device certificate, with members to dial without the console', async () => {
		const { publicKey } = generateKeyPairSync('ed25519')
		const { x = '' } = publicKey.export({ format: 'jwk' })
		const device = await owner.user.device.mutate({ publicKey: x })
		expect(device.certificate.split('.')).toHaveLength(3)
		expect(device.members).toContainEqual(expect.objectContaining({ peerId: stack.peerId, name: 'one' }))
	})
})

describe('a node', () => {
	it('is listed with what it has', async () => {
		expect(await owner.node.list.query()).toEqual([
			expect.objectContaining({
				peerId: stack.peerId,
				name: 'one',
				status: 'alive',
				gateway: true,
				engine: expect.objectContaining({ ready: true }),
			}),
		])
	})
})

describe('a custom workload', () => {
	let web: Workload

	it('answers at once, becomes running by itself and serves HTTP at its public URL', async () => {
		const accepted = await owner.workload.deploy.mutate({ name: 'web', type: 'custom', config: WEB })
		expect(accepted).toMatchObject({ name: 'web', type: 'custom', generation: 1, replicas: 1 })
		web = await settled(owner, accepted.id, 'running')
		expect(web).toMatchObject({
			node: { peerId: stack.peerId, name: 'one' },
			statusReason: null,
			publicUrl: expect.stringMatching(/^http:\/\//),
		})
		expect((await fetch(web.publicUrl ?? '')).status).toBe(200)
	})

	it('is the same order when the command id is repeated', async () => {
		const order = { name: 'twice', type: 'custom', config: WEB, commandId: 'journey-console-twice' }
		const [first, second] = await Promise.all([
			owner.workload.deploy.mutate(order),
			owner.workload.deploy.mutate(order),
		])
		expect(second.id).toBe(first.id)
		await settled(owner, first.id, 'running')
		expect((await remainsOf(stack.peerId, first.id)).containers).toHaveLength(1)
		await remove(first.id)
	})

	it('explains why it runs where it runs', async () => {
		const { chosen, candidates, rejected } = await owner.workload.explain.query({ id: web.id })
		expect(chosen).toHaveLength(1)
		expect(candidates[0]).toMatchObject({ node: expect.anything(), score: expect.any(Number) })
		expect(candidates[0]?.reasons.length).toBeGreaterThan(0)
		expect(rejected).toEqual([])
	})

	it('hands out what it wrote', async () => {
		const { lines } = await owner.workload.logs.query({ id: web.id, lines: 50 })
		expect(lines.map(({ text }) => text)).toContain('serving on port 8080')
		expect(lines[0]).toMatchObject({ at: expect.stringMatching(/^\d{4}-.*Z$/), stream: 'stdout' })
	})

	it('stops, starts and restarts, and keeps its address', async () => {
		await owner.workload.stop.mutate({ id: web.id })
		const stopped = await settled(owner, web.id, 'stopped')
		expect(stopped.publicUrl).toBeNull()
		await expect(fetch(web.publicUrl ?? '')).rejects.toThrow()
		for (const change of ['start', 'restart'] as const) {
			expect((await owner.workload[change].mutate({ id: web.id })).status).not.toBe('running')
			const running = await settled(owner, web.id, 'running')
			expect(running.publicUrl).toBe(web.publicUrl)
			// the container runs a moment before the program in it listens
			await vi.waitFor(async () => expect((await fetch(web.publicUrl ?? '')).status).toBe(200), 10_000)
		}
	})

	it('is nobody else’s to see or to change', async () => {
		const { token } = await trpc(stack).user.login.mutate({ ...ACCOUNT, email: 'bob@example.test' })
		const bob = trpc(stack, token)
		expect(await bob.workload.list.query()).toEqual([])
		for (const call of [bob.workload.get.query, bob.workload.delete.mutate]) {
			expect(await trpcRefusal(call({ id: web.id }))).toMatchObject({ status: 404, code: 'NOT_FOUND' })
		}
	})

	it('is deleted with its container', () => remove(web.id))
})

describe('a log', () => {
	it('is downloaded whole, however long, and by nobody else', async () => {
		const write = 'seq 1 30000; exec sleep 3600'
		const flood = await deploy('flood', 'custom', { image: WEB.image, command: ['sh', '-c', write] })
		const file = async (account: typeof ACCOUNT) => {
			const headers = { cookie: await logIn(stack, account) }
			return fetch(`${stack.consoleUrl}/workloads/${flood.id}/logs?download=1`, { headers })
		}
		const numbers = async () => {
			const answer = await file(ACCOUNT)
			expect(answer.headers.get('content-disposition')).toContain(`${flood.id}-`)
			return (await answer.text())
				.trimEnd()
				.split('\n')
				.map((line) => Number(line.split(' ').at(-1)))
		}
		await expect.poll(async () => (await numbers()).at(-1), { timeout: 30_000 }).toBe(30_000)
		expect(await numbers()).toEqual(Array.from({ length: 30_000 }, (_, index) => index + 1))
		expect((await file({ ...ACCOUNT, email: 'bob@example.test' })).status).toBe(404)
		await remove(flood.id)
	})
})

describe('PostgreSQL', () => {
	let database: Workload
	const query = async (sql: string): Promise<unknown[]> => {
		const client = new pg.Client({ connectionString: database.credentials?.connectionString })
		await client.connect()
		try {
			return (await client.query(sql)).rows
		} finally {
			await client.end()
		}
	}

	it('takes a table through the issued connection string', async () => {
		database = await deploy('orders', 'postgres', { resources: { memoryMiB: 128, cpus: 0.5 } })
		expect(database.credentials).toEqual({
			username: 'app',
			password: expect.stringMatching(/^.{32}$/),
			database: 'app',
			connectionString: expect.stringMatching(/^postgresql:\/\/app:/),
		})
		await query('CREATE TABLE kept (word text)')
		await query("INSERT INTO kept VALUES ('here')")
		expect(await query('SHOW max_connections')).toEqual([{ max_connections: '250' }])
	})

	it('has the row after a restart, and after stop and start', async () => {
		await owner.workload.restart.mutate({ id: database.id })
		await settled(owner, database.id, 'running')
		expect(await query('SELECT word FROM kept')).toEqual([{ word: 'here' }])
		await owner.workload.stop.mutate({ id: database.id })
		await settled(owner, database.id, 'stopped')
		await owner.workload.start.mutate({ id: database.id })
		const { credentials } = await settled(owner, database.id, 'running')
		expect(credentials).toEqual(database.credentials)
		expect(await query('SELECT word FROM kept')).toEqual([{ word: 'here' }])
	})

	it('is deleted with its volume', async () => {
		expect((await remainsOf(stack.peerId, database.id)).volumes).toHaveLength(1)
		await remove(database.id)
	})
})

describe('MinIO', () => {
	it('takes an object with the issued keys, gives it back, and no other key gets in', async () => {
		const store = await deploy('files', 'minio', { resources: { memoryMiB: 128, cpus: 0.5 } })
		const { accessKey = '', secretKey = '', endpoint = '' } = store.credentials ?? {}
		expect(endpoint).toMatch(/^http:\/\//)
		const client = (secretAccessKey: string) =>
			new S3Client({
				endpoint,
				region: 'us-east-1',
				forcePathStyle: true,
				credentials: { accessKeyId: accessKey, secretAccessKey },
			})
		const s3 = client(secretKey)
		await s3.send(new CreateBucketCommand({ Bucket: 'photos' }))
		await s3.send(new PutObjectCommand({ Bucket: 'photos', Key: 'a.txt', Body: 'hello' }))
		const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'photos', Key: 'a.txt' }))
		expect(await Body?.transformToString()).toBe('hello')
		const stranger = client('wrong').send(new GetObjectCommand({ Bucket: 'photos', Key: 'a.txt' }))
		await expect(stranger).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' })
		await remove(store.id)
	})
})
