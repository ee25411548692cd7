import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest'
import type { Node, Workload } from '../../agent/protocol/index.ts'
import { CHATTER, createLattice, type TestLattice } from './lattice.ts'
import type { Machine } from './machine.ts'
import { until } from './until.ts'

const HOUR_MS = 3_600_000
/** a certificate lives for 90 */
const DAYS_100 = 100 * 24 * HOUR_MS

describe('machines that come and go', () => {
	let lattice: TestLattice

	beforeAll(async () => {
		lattice = await createLattice({ hosts: 3, members: 1, clocks: true })
	})
	afterAll(() => lattice?.down())
	const explainFailure = () => void onTestFailed(() => void process.stderr.write(lattice.outputs()))
	const nodes = () => lattice.trpc().node.list.query()
	const enrolmentOf = (machine: Machine) => join(machine.home, 'agent', 'enrolment.json')

	async function place(machine: Machine, name: string): Promise<Workload> {
		const order = { name, type: 'custom', config: { ...CHATTER, node: machine.name } }
		const { status, body } = await lattice.rest(machine, 'POST', '/api/workloads/deploy', order)
		expect(status).toBe(201)
		await lattice.record(body.id, 'running')
		return body
	}

	it('lets one of two machines in with an invite for one, and tells the other', async () => {
		explainFailure()
		const token = await lattice.invite('--label', 'floor=2')
		const { h2, h3 } = lattice
		const ways = [h2, h3].map((machine) =>
			machine.join(token, '--label', 'room=attic', '--gateway').then(
				() => machine.name,
				(error: unknown) => String(error),
			),
		)
		const ends = await Promise.all(ways)
		const refused = ends.filter((end) => end !== 'h2' && end !== 'h3')
		expect(refused).toHaveLength(1)
		expect(refused[0]).toContain('INVITE_USED')
		const [, node] = await nodes()
		expect(node).toMatchObject({ labels: { floor: '2', room: 'attic' }, gateway: true })
		// It is as if it had never tried: its next invite is good for the same folder.
		const [late] = [h2, h3].filter(({ name }) => !ends.includes(name))
		if (late) await lattice.join(late)
		await lattice.allSee({ h1: 'alive', h2: 'alive', h3: 'alive' }, lattice.machines, 10_000)
	})

	it('leaves when it says so, with what it runs only by force, and may come back as a new machine', async () => {
		explainFailure()
		const { h1, h3 } = lattice
		const { id } = await place(h3, 'goes-along')
		const leave = (...args: string[]) => h3.host.exec([...h3.lattice('leave'), ...args], { cwd: '/' })
		expect((await leave()).stderr).toContain('is in use by another lattice')
		await h3.stop()
		const refused = await leave()
		expect({ code: refused.code, stderr: refused.stderr }).toMatchObject({
			code: 1,
			stderr: expect.stringContaining('goes-along'),
		})
		expect(await leave('--force')).toMatchObject({
			code: 0,
			stdout: expect.stringContaining('h3 has left the lattice'),
		})
		await lattice.allSee({ h1: 'alive', h2: 'alive', h3: 'left' }, [h1, lattice.h2], 10_000, { console: false })
		const lost = await lattice.record(id, 'failed')
		expect(lost.statusReason).toContain('h3 is no longer in the lattice')
		await lattice.trpc().workload.delete.mutate({ id })
		await lattice.join(h3)
		await until('the new h3 is alive', 10_000, async () => {
			return (await nodes()).some(
				({ name, status, peerId }) => name === 'h3' && status === 'alive' && peerId === h3.peerId,
			)
		})
	})

	it('is removed by an admin: cut off by all, told why, and what it ran is lost', async () => {
		explainFailure()
		const { h1, h2, h3 } = lattice
		const { id } = await place(h3, 'left-behind')
		const child = h3.foreground
		const ended = child && once(child, 'exit')
		const member = await lattice
			.trpc(null)
			.user.register.mutate({ email: 'bob@example.test', password: 'another horse battery' })
		const forbidden = await lattice
			.trpc(member.token)
			.node.remove.mutate({ peerId: h3.peerId })
			.catch((error: unknown) => error)
		expect(forbidden).toMatchObject({ data: { lattice: { code: 'FORBIDDEN' } } })
		await h1.run(['nodes', 'remove', 'h3', '--yes'])
		const [code] = (await ended) ?? []
		expect(code).toBe(1)
		expect(h3.output).toContain('This node was removed from the lattice')
		await until('h2 forgot h3', 10_000, async () => {
			const { body } = await lattice.rest<Node[]>(h2, 'GET', '/api/nodes')
			return body.every(({ peerId }) => peerId !== h3.peerId) || { missed: JSON.stringify(body) }
		})
		expect((await lattice.record(id, 'failed')).statusReason).toContain('h3 is no longer in the lattice')
		// It cannot come back by its old certificate, not even after this console has started anew.
		await lattice.h1.stop()
		await lattice.h1.up('--name', 'h1')
		await expect(h3.agent()).rejects.toThrow('This node was removed from the lattice')
	})

	it('is removed while console and machine are cut off from each other: whoever is back first brings the word', async () => {
		explainFailure()
		const { lab, h1, h2, h3 } = lattice
		rmSync(h3.home, { recursive: true })
		await lattice.join(h3)
		await until('h3 is alive for all', 10_000, async () => {
			const seen = await Promise.all([h1, h2].map((machine) => lattice.rest<Node[]>(machine, 'GET', '/api/nodes')))
			const isThere = (body: Node[]) => body.some(({ peerId, status }) => peerId === h3.peerId && status === 'alive')
			return seen.every(({ body }) => isThere(body)) || { missed: JSON.stringify(seen.map(({ body }) => body)) }
		})
		const ended = h3.foreground && once(h3.foreground, 'exit')
		const before = h3.output.length
		await lab.cut('h1', 'h2')
		await lab.cut('h1', 'h3')
		await lattice.trpc().node.remove.mutate({ peerId: h3.peerId })
		// They cannot know yet, and still have each other.
		const { body } = await lattice.rest<Node[]>(h2, 'GET', '/api/nodes')
		expect(body.find(({ peerId }) => peerId === h3.peerId)?.status).toBe('alive')
		await lab.heal('h1', 'h2')
		await until('h2 forgot h3', 20_000, async () => {
			const { body } = await lattice.rest<Node[]>(h2, 'GET', '/api/nodes')
			return body.every(({ peerId }) => peerId !== h3.peerId) || { missed: JSON.stringify(body) }
		})
		await lab.heal('h1', 'h3')
		expect((await ended)?.[0]).toBe(1)
		expect(h3.output.slice(before)).toContain('This node was removed from the lattice')
	})

	it('gets the same certificate again after a crash while it joined, and from a console that crashed, too', async () => {
		explainFailure()
		const { h1, h3 } = lattice
		rmSync(h3.home, { recursive: true })
		const token = await lattice.invite()
		await h3.join(token)
		const first = readFileSync(enrolmentOf(h3), 'utf8')
		const { peerId } = h3
		// As if the power had failed between the answer of the console and the disk.
		await h3.stop('SIGKILL')
		rmSync(enrolmentOf(h3))
		const console = await h1.pidOf('console')
		if (console !== null) process.kill(console, 'SIGKILL')
		await h3.join(token)
		expect(h3.peerId).toBe(peerId)
		expect(JSON.parse(readFileSync(enrolmentOf(h3), 'utf8')).certificate).toBe(JSON.parse(first).certificate)
		await lattice.allSee({ h1: 'alive', h2: 'alive', h3: 'alive' }, [h1, lattice.h2, h3], 10_000, { console: false })
	})

	it('is renewed when it was away past its certificate, and says what it waits for while the console is down', async () => {
		explainFailure()
		const { h1, h2, h3 } = lattice
		for (const machine of [h1, h2, h3]) await machine.stop()
		for (const machine of [h1, h2, h3]) await machine.host.setClock(DAYS_100)
		const starting = h3.agent()
		await until('h3 says what it waits for', 20_000, () => h3.logs().includes('ended while it was away'))
		// The agent beside the console was away as long.
		await h1.up('--name', 'h1')
		await starting
		await h2.agent()
		await lattice.freshBearer()
		await lattice.allSee({ h1: 'alive', h2: 'alive', h3: 'alive' }, [h1, h2, h3], 10_000, { console: false })
	})

	it('is refused with an invite that has expired', async () => {
		explainFailure()
		const { h3 } = lattice
		await h3.stop()
		rmSync(h3.home, { recursive: true })
		await lattice.login(lattice.h1)
		const token = await lattice.invite('--ttl', '10m')
		await h3.host.setClock(DAYS_100 + HOUR_MS)
		await expect(h3.join(token)).rejects.toThrow('INVITE_EXPIRED')
	})
})
