import { cp, mkdtemp, rm } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CommandResult } from '../../agent/protocol/index.ts'
import { recordSent } from '../../app/models/assignment.server.ts'
import { openDatabase } from '../../app/models/database.server.ts'
import { createWorkload } from '../../app/models/workload.server.ts'
import { eventually, ScriptedHost } from './console-host.ts'
import { type PostgresServer, startPostgres } from './console-postgres.ts'
import { apiOf, type ConsoleProcess, startConsoleProcess } from './console-process.ts'

/** Two consoles, each with a HOME and a key of its own, on one database: what one accepts the other shows and finishes. */
let server: PostgresServer
let databaseUrl: string
let homes: string[]
let left: ConsoleProcess
let right: ConsoleProcess
let host: ScriptedHost
let token: string
let userId: string

beforeAll(async () => {
	server = await startPostgres()
	databaseUrl = await server.createDatabase()
	homes = [await mkdtemp('/tmp/lattice-test-console-'), await mkdtemp('/tmp/lattice-test-console-')]
	const [leftHome = '', rightHome = ''] = homes
	const env = { LATTICE_LOCAL_INVITE: 'first' }
	left = await startConsoleProcess(databaseUrl, { home: leftHome, env })
	await cp(path.join(leftHome, 'master.key'), path.join(rightHome, 'master.key'))
	const login = { email: 'ada@example.org', password: 'correct horse battery' }
	const registered = await apiOf(left.url).user.register.mutate(login)
	token = registered.token
	userId = registered.user.id
	host = new ScriptedHost('atlas')
	await host.join((await apiOf(left.url, token).node.invite.mutate({})).token)
	await eventually(async () => (await apiOf(left.url, token).node.list.query())[0]?.capacity.cpus)
	right = await startConsoleProcess(databaseUrl, { home: rightHome, env })
})
afterAll(async () => {
	await host?.stop()
	await Promise.all([left?.stop(), right?.stop()])
	await server?.close()
	for (const home of homes ?? []) await rm(home, { recursive: true, force: true })
})

describe('two consoles on one database', () => {
	it('invite the agent beside them only while there is no node', () => {
		expect([left.invite, right.invite]).toEqual([expect.any(String), null])
	})

	it('are one lattice: a token of one is good at the other, and both watch the nodes', async () => {
		expect(left.peerId).not.toBe(right.peerId)
		expect((await apiOf(right.url, token).user.me.query()).id).toBe(userId)
		await eventually(async () => (await apiOf(right.url, token).node.list.query())[0]?.status === 'alive')
	})

	it('carry out an order once, and show it alike', async () => {
		const { id } = await apiOf(left.url, token).workload.deploy.mutate({
			name: 'web',
			type: 'custom',
			config: { image: 'x' },
		})
		await eventually(() => host.reports.has(id))
		host.report(id, { status: 'running' })
		for (const { url } of [left, right]) {
			await eventually(async () => (await apiOf(url, token).workload.get.query({ id })).status === 'running')
		}
		expect(host.of('deploy')).toHaveLength(1)
		const again = { name: 'web', type: 'custom', config: { image: 'x' } }
		await expect(apiOf(right.url, token).workload.deploy.mutate(again)).rejects.toMatchObject({
			data: { lattice: { code: 'NAME_TAKEN' } },
		})
	})

	it('list what any hand has changed, also one whose clock is minutes behind, and nothing that is gone', async () => {
		const listed = async () => {
			const lists = await Promise.all(
				[left, right].map(async ({ url }) => {
					const all = await apiOf(url, token).workload.list.query()
					return all.map(({ name, statusReason }) => `${name}: ${statusReason ?? ''}`).sort()
				}),
			)
			expect(lists[0]).toEqual(lists[1])
			return lists[0]
		}
		const before = await listed()
		const database = openDatabase(databaseUrl, () => undefined)
		try {
			const id = `w_${'8'.repeat(20)}`
			const config = { image: 'x' }
			await createWorkload(database, {
				...{ id, ownerId: userId, name: 'by-hand', type: 'custom', config },
				...{ commandId: 'command-by-hand', claim: '', replicas: 1 },
			})
			expect(await listed()).toEqual(['by-hand: ', ...(before ?? [])].sort())
			const behind = new Date(Date.now() - 5 * 60_000)
			const failure = { code: 'INTERNAL', message: 'Changed by hand.', facts: {} }
			await database.workload.update({ where: { id }, data: { failure, updatedAt: behind } })
			expect(await listed()).toEqual(['by-hand: Changed by hand.', ...(before ?? [])].sort())
			await database.$transaction(async (slow) => {
				await slow.workload.update({ where: { id }, data: { failure: { ...failure, message: 'Later.' } } })
				// both go on reading and writing while it is open
				expect(await listed()).toEqual(['by-hand: Changed by hand.', ...(before ?? [])].sort())
				await database.workload.updateMany({ where: { id: { not: id } }, data: { updatedAt: new Date() } })
				await listed()
			})
			expect(await listed()).toEqual(['by-hand: Later.', ...(before ?? [])].sort())
			const whereTo = async () => {
				const all = await Promise.all([left, right].map(({ url }) => apiOf(url, token).workload.list.query()))
				return all.map((list) => list.find((each) => each.id === id)?.node?.name ?? null)
			}
			const sent = { workloadId: id, peerId: 'peer-by-hand', nodeName: 'by-hand', state: 'sent', generation: 1 }
			await database.assignment.create({ data: { ...sent, ordered: [0] } })
			expect(await whereTo()).toEqual(['by-hand', 'by-hand'])
			await database.assignment.deleteMany({ where: { workloadId: id } })
			expect(await whereTo()).toEqual([null, null])
			await database.workload.delete({ where: { id } })
			expect(await listed()).toEqual(before)
		} finally {
			await database.$disconnect()
		}
	})

	it('never give one replica to two hosts, also when one of them overslept its lease', async () => {
		const database = openDatabase(databaseUrl, () => undefined)
		try {
			const id = `w_${'7'.repeat(20)}`
			await createWorkload(database, {
				id,
				ownerId: userId,
				name: 'raced',
				type: 'custom',
				config: {},
				commandId: 'raced-command',
				claim: '',
				replicas: 2,
			})
			const command = (replicas: number[]) => ({
				kind: 'scale' as const,
				commandId: 'raced-command',
				workloadId: id,
				generation: 2,
				replicas,
				placement: { chosen: [], candidates: [], rejected: [], at: '', by: '' },
				claim: null,
			})
			const both = await Promise.all(
				['one', 'other'].map((peerId) => recordSent(database, { peerId, nodeName: peerId, command: command([0]) })),
			)
			expect(both.toSorted()).toEqual([false, true])
			expect(await recordSent(database, { peerId: 'third', nodeName: 'third', command: command([1]) })).toBe(true)
			await database.workload.update({ where: { id }, data: { deletedAt: new Date(), heldName: null } })
			expect(await recordSent(database, { peerId: 'third', nodeName: 'third', command: command([1]) })).toBe(false)
		} finally {
			await database.$disconnect()
		}
	})

	it('finish what the other began and died over', async () => {
		// The answer never comes, so the order is still open when its console is killed.
		host.script = (command) => (command.kind === 'deploy' ? silence() : null)
		const { id } = await apiOf(left.url, token).workload.deploy.mutate({
			name: 'heir',
			type: 'custom',
			config: { image: 'x' },
		})
		const first = await eventually(() => host.of('deploy').find(({ workloadId }) => workloadId === id))
		await left.stop('SIGKILL')
		host.script = () => null
		// as if the twenty seconds had passed for which the dead one holds its orders
		const database = openDatabase(databaseUrl, () => undefined)
		await database.lease.updateMany({ data: { expiresAt: new Date(0) } })
		await database.$disconnect()
		await eventually(() => host.reports.has(id), 60_000)
		expect(host.of('deploy').at(-1)).toEqual(first)
		host.report(id, { status: 'running' })
		await eventually(async () => (await apiOf(right.url, token).workload.get.query({ id })).status === 'running')
	})
})

async function* silence() {
	await new Promise((resolve) => setTimeout(resolve, 60_000).unref())
	yield { type: 'result' as const, result: CommandResult.parse({}) }
}
