import { createTRPCClient, httpLink } from '@trpc/client'
import type { Node, WireError, Workload } from '../../agent/protocol/index.ts'
import type { AppRouter } from '../../app/trpc/router.ts'
import { BUSYBOX } from '../fixtures/images.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { Machine } from './machine.ts'
import { until } from './until.ts'

export const ACCOUNT = { email: 'ada@example.test', password: 'correct horse battery' }

/** Writes numbered lines on stdout and stderr until it is stopped. */
export const CHATTER = {
	image: BUSYBOX,
	command: ['chatter', '100000', '0.2'],
	resources: { memoryMiB: 32, cpus: 0.1 },
}

/** What an answer of REST may hold; the tests assert which it is. */
export type Answer = Workload & { error: WireError; lines: { text: string }[] }

export interface LatticeOptions {
	hosts: number
	nat?: number
	/** how many of the hosts begin as members; default: all */
	members?: number
	/** their wall clocks can be set while programs run */
	clocks?: boolean
}

/** A lattice over the hosts of a lab: h1 runs console and agent, the others joined with an invite of its owner. */
export class TestLattice {
	readonly lab: Lab
	readonly machines: Machine[]
	bearer = ''

	constructor(lab: Lab) {
		this.lab = lab
		this.machines = lab.hosts.map((host) => new Machine(host))
	}

	machine(name: string): Machine {
		const machine = this.machines.find((each) => each.name === name)
		if (!machine) throw new Error(`no machine ${name}`)
		return machine
	}

	get h1(): Machine {
		return this.machine('h1')
	}
	get h2(): Machine {
		return this.machine('h2')
	}
	get h3(): Machine {
		return this.machine('h3')
	}

	/** h1 with its first user, logged in there on the command line. */
	async begin(): Promise<void> {
		await this.h1.up('--name', 'h1')
		const { token } = await this.trpc(null).user.register.mutate(ACCOUNT)
		this.bearer = token
		await this.login(this.h1)
	}

	async login(machine: Machine): Promise<void> {
		await machine.run(['login', '--console', this.h1.consoleUrl, '--email', ACCOUNT.email], {
			LATTICE_PASSWORD: ACCOUNT.password,
		})
	}

	async freshBearer(): Promise<string> {
		const { token } = await this.trpc(null).user.login.mutate(ACCOUNT)
		this.bearer = token
		return token
	}

	async invite(...args: string[]): Promise<string> {
		const { token } = await this.h1.run<{ token: string }>(['invite', ...args])
		return token
	}

	async join(machine: Machine, ...args: string[]): Promise<void> {
		await machine.join(await this.invite(), ...args)
	}

	trpc(bearer: string | null = this.bearer) {
		const headers: Record<string, string> = bearer === null ? {} : { authorization: `Bearer ${bearer}` }
		return createTRPCClient<AppRouter>({ links: [httpLink({ url: `${this.h1.consoleUrl}/api/trpc`, headers })] })
	}

	/** A request to the agent's REST of that machine, made from there when nobody else can. */
	async rest<Body = Answer>(
		machine: Machine,
		method: string,
		path: string,
		body?: unknown,
		headers: Record<string, string> = {},
	): Promise<{ status: number; body: Body }> {
		const init = {
			method,
			headers: { authorization: `Bearer ${this.bearer}`, 'content-type': 'application/json', ...headers },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		}
		if (machine.host.nat) {
			const answer = await machine.host.fetch(`${machine.agentUrl}${path}`, init)
			return { status: answer.status, body: JSON.parse(answer.text) as Body }
		}
		const response = await fetch(`${machine.agentUrl}${path}`, init)
		return { status: response.status, body: (await response.json()) as Body }
	}

	/** A stream of the agent's REST as text, chunk by chunk, until it ends or the caller leaves the loop. */
	async *stream(
		machine: Machine,
		path: string,
		signal: AbortSignal,
		order?: unknown,
		headers: Record<string, string> = {},
	): AsyncGenerator<string> {
		const common = { authorization: `Bearer ${this.bearer}`, accept: 'text/event-stream', ...headers }
		const post = { method: 'POST', body: JSON.stringify(order) }
		const response = await fetch(`${machine.agentUrl}${path}`, {
			headers: { ...common, ...(order !== undefined && { 'content-type': 'application/json' }) },
			...(order !== undefined && post),
			signal,
		})
		if (response.body === null) throw new Error('an answer without a body')
		yield* response.body.pipeThrough(new TextDecoderStream())
	}

	/** What a machine's agent says of all nodes: name → status. */
	async nodesSeenBy(machine: Machine): Promise<Record<string, Node['status']>> {
		const { body } = await this.rest<Node[]>(machine, 'GET', '/api/nodes')
		// One that left may have had the name of one that is there.
		const first = [...body].sort((a, b) => Number(b.status === 'left') - Number(a.status === 'left'))
		return Object.fromEntries(first.map((node) => [node.name, node.status]))
	}

	/** Every named machine's agent, and the console unless it is left out, sees exactly this. */
	async allSee(
		expected: Record<string, Node['status']>,
		by: Machine[],
		withinMs: number,
		{ console = true } = {},
	): Promise<void> {
		const wanted = JSON.stringify(sorted(expected))
		for (const machine of by) {
			await until(`${machine.name} sees ${wanted}`, withinMs, async () => {
				const seen = JSON.stringify(sorted(await this.nodesSeenBy(machine)))
				return seen === wanted || { missed: seen }
			})
		}
		if (!console) return
		await until(`the console sees ${wanted}`, withinMs, async () => {
			const nodes = await this.trpc().node.list.query()
			const seen = JSON.stringify(sorted(Object.fromEntries(nodes.map((node) => [node.name, node.status]))))
			return seen === wanted || { missed: seen }
		})
	}

	/** The workload as the console records it, once it is so. */
	record(id: string, status: Workload['status'], withinMs = 20_000): Promise<Workload> {
		return until(`the console's record ${id} is ${status}`, withinMs, async () => {
			const workload = await this.trpc().workload.get.query({ id })
			return workload.status === status ? workload : { missed: `${workload.status}: ${workload.statusReason}` }
		})
	}

	/** On which machines Docker itself runs containers of this workload: names, sorted, once each container. */
	async placesOf(id: string): Promise<string[]> {
		const places = await Promise.all(
			this.machines.map(async (machine) => {
				const running = await machine.containers(`label=lattice.workload=${id}`)
				return running.map(() => machine.name)
			}),
		)
		return places.flat().sort()
	}

	async down(): Promise<void> {
		await this.lab.down()
	}

	/** For a failed test: what the foreground programs wrote. */
	outputs(): string {
		return this.machines.map((machine) => `── ${machine.name}\n${machine.output}\n${machine.logs()}`).join('\n')
	}
}

/** `./lattice up` on h1 and `./lattice join` on the others. */
export async function createLattice({
	hosts,
	nat = 0,
	members = hosts,
	clocks = false,
}: LatticeOptions): Promise<TestLattice> {
	const lattice = new TestLattice(await createLab({ hosts, nat }))
	try {
		if (clocks) for (const { host } of lattice.machines) await host.setClock(0)
		await lattice.begin()
		await Promise.all(lattice.machines.slice(1, members).map((machine) => lattice.join(machine)))
		return lattice
	} catch (error) {
		await lattice.down()
		throw error
	}
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
	return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))
}
