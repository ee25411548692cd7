import Dockerode from 'dockerode'
import { workloadIdOf } from '../../agent/identity/index.ts'
import type { Workload } from '../../agent/protocol/index.ts'
import { BUSYBOX } from '../fixtures/images.ts'
import { TEST_ENGINE } from '../integration/engine-fixture.ts'
import { rest, trpc } from '../integration/stack-clients.ts'
import type { Stack } from '../integration/stack-fixture.ts'
import { until } from '../integration/until.ts'
import { type BenchRow, percentile, row } from './row.ts'

/** Submit → running may take so many times what dockerode's create + start of the same container takes. */
const GOAL_RATIO = 1.1
const GONE_MS = 30_000
/** Beside the range that the agent gives ports from (agent/reconciler/ports.ts). */
const BASE_PORT = 31_000

const WAYS = ['dockerode', 'agent REST', 'console tRPC'] as const
type Way = (typeof WAYS)[number]

/**
 * The same container three ways in turn, on an engine that has the image: by dockerode alone, create and start; by an
 * order at the agent, until it answers that the workload runs; by an order at the console, until the console's stream
 * says so. Running includes for the last two that the service accepts connections. Deleted between, outside of the clock.
 */
export class DeployBench {
	readonly #stack: Stack
	readonly #engine: Dockerode
	readonly #token: string
	readonly #userId: string
	#made = 0

	constructor(stack: Stack, { token, userId }: { token: string; userId: string }) {
		this.#stack = stack
		this.#token = token
		this.#userId = userId
		this.#engine = new Dockerode({ socketPath: TEST_ENGINE.replace('unix://', '') })
	}

	async run(samples: number): Promise<BenchRow[]> {
		// Stays, so that the tenant's network does: its making is not the container's.
		const model = await this.#model()
		const times: Record<Way, number[]> = { dockerode: [], 'agent REST': [], 'console tRPC': [] }
		// One of each first, unmeasured: code is compiled by its first use.
		for (let sample = -1; sample < samples; sample++) {
			for (let turn = 0; turn < WAYS.length; turn++) {
				// in a new order each time, so that no way always follows the same other
				const way = WAYS[(turn + sample + 1) % WAYS.length] as Way
				const ms = await this.#once(way, model)
				if (sample >= 0) times[way].push(ms)
			}
		}
		await this.#delete(model.id)
		return report(times)
	}

	#once(way: Way, model: Model): Promise<number> {
		const number = ++this.#made
		if (way === 'dockerode') return this.#byDockerode(model, number)
		return way === 'agent REST' ? this.#byAgent(`bench-${number}`) : this.#byConsole(`bench-${number}`)
	}

	/** What the agent makes of the order, as a create request. */
	async #model(): Promise<Model> {
		const { body } = await rest(this.#stack, this.#token, 'POST', '/api/workloads/deploy', order('bench-model'))
		if (body.status !== 'running') throw new Error(`the model does not run: ${JSON.stringify(body)}`)
		const filters = { label: [`lattice.workload=${body.id}`] }
		const [listed] = await this.#engine.listContainers({ filters })
		if (!listed) throw new Error('the model has no container')
		const { Config, HostConfig } = await this.#engine.getContainer(listed.Id).inspect()
		const { Image, Cmd, Env, Tty, StopTimeout, ExposedPorts } = Config as Dockerode.ContainerCreateOptions
		const options: Dockerode.ContainerCreateOptions = { Tty, StopTimeout, ExposedPorts, HostConfig }
		Object.assign(options, Image !== undefined && { Image }, Cmd != null && { Cmd }, Env !== undefined && { Env })
		return { id: body.id, network: HostConfig.NetworkMode ?? '', options }
	}

	async #byDockerode({ network, options }: Model, number: number): Promise<number> {
		const own = { ...options.HostConfig }
		const binding = [{ HostIp: '127.0.0.1', HostPort: String(BASE_PORT + number) }]
		own.PortBindings = Object.fromEntries(Object.keys(own.PortBindings ?? {}).map((port) => [port, binding]))
		const endpoint = { [network]: { Aliases: [`bench-${number}`, `bench-${number}-0`] } }
		// as many labels as the agent sets, but none that it would take for its own
		const labels = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`bench.${index}`, `bench-${number}`]))
		const began = performance.now()
		const container = await this.#engine.createContainer({
			...options,
			name: `bench-${number}`,
			Labels: labels,
			HostConfig: own,
			NetworkingConfig: { EndpointsConfig: endpoint },
		})
		await container.start()
		const ms = performance.now() - began
		await container.remove({ force: true, v: true })
		return ms
	}

	async #byAgent(name: string): Promise<number> {
		const began = performance.now()
		const { body } = await rest(this.#stack, this.#token, 'POST', '/api/workloads/deploy', order(name))
		const ms = performance.now() - began
		if (body.status !== 'running') throw new Error(`${name} does not run: ${JSON.stringify(body)}`)
		await this.#delete(body.id)
		return ms
	}

	/** The stream is asked for together with the order, whose id its command id gives beforehand. */
	async #byConsole(name: string): Promise<number> {
		const commandId = `${name}-${Date.now()}`
		const id = workloadIdOf(this.#userId, commandId)
		const began = performance.now()
		await trpc(this.#stack, this.#token).workload.deploy.mutate({ ...order(name), commandId })
		await this.#runningEvent(id)
		const ms = performance.now() - began
		await this.#delete(id)
		return ms
	}

	async #runningEvent(id: string): Promise<void> {
		const input = encodeURIComponent(JSON.stringify({ id }))
		const ended = new AbortController()
		const response = await fetch(`${this.#stack.consoleUrl}/api/trpc/workload.events?input=${input}`, {
			headers: { authorization: `Bearer ${this.#token}`, accept: 'text/event-stream' },
			signal: ended.signal,
		})
		try {
			for await (const phase of phases(response)) {
				if (phase === 'failed') throw new Error(`${id} failed`)
				if (phase === 'running') return
			}
			throw new Error(`the events of ${id} ended before it ran`)
		} finally {
			ended.abort()
		}
	}

	/** Until agent and console know nothing of it any more: nothing of it runs into the next measurement. */
	async #delete(id: string): Promise<void> {
		await rest(this.#stack, this.#token, 'DELETE', `/api/workloads/${id}`)
		const api = trpc(this.#stack, this.#token)
		await until(`the end of ${id}`, GONE_MS, async () => {
			return !(await api.workload.list.query()).some((workload: Workload) => workload.id === id)
		})
	}
}

/** Of the events that a tRPC subscription streams. */
async function* phases(response: Response): AsyncGenerator<string> {
	if (response.body === null) throw new Error('an answer without a body')
	let rest = ''
	for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
		const lines = (rest + chunk).split('\n')
		rest = lines.pop() ?? ''
		for (const line of lines) {
			const [, phase] = /^data:.*"phase":"([a-z]+)"/.exec(line) ?? []
			if (phase !== undefined) yield phase
		}
	}
}

interface Model {
	id: string
	network: string
	options: Dockerode.ContainerCreateOptions
}

function order(name: string) {
	const ports = [{ container: 8080, protocol: 'http' }]
	return { name, type: 'custom', config: { image: BUSYBOX, ports, resources: { memoryMiB: 32, cpus: 0.5 } } }
}

function report(times: Record<Way, number[]>): BenchRow[] {
	const median = (way: Way) => percentile(times[way], 0.5)
	const n = times.dockerode.length
	return [
		...WAYS.flatMap((way) => [
			row(`deploy: ${way}, p50 of ${n}`, median(way), 'ms'),
			row(`deploy: ${way}, p95 of ${n}`, percentile(times[way], 0.95), 'ms'),
		]),
		row('deploy: agent REST / dockerode, of medians', median('agent REST') / median('dockerode'), '×', GOAL_RATIO),
		row('deploy: console tRPC / dockerode, of medians', median('console tRPC') / median('dockerode'), '×', GOAL_RATIO),
	]
}
