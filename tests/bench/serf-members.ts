import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Box } from './cables.ts'
import { type Contender, type Contestant, Hearings, now } from './contestant.ts'

const START_MS = 60_000
/** It takes serf seconds to be sure. */
const HEAR_MS = 60_000
const POLL_MS = 100

/** HashiCorp's serf (SWIM with gossip in Go) as Debian ships it, with its profile for a LAN. A change is one of its tags. */
export const serf: Contestant = {
	name: 'serf',
	async start(boxes) {
		const [first] = boxes
		const nodes: SerfNode[] = []
		try {
			for (const box of boxes) nodes.push(await SerfNode.start(box, box === first ? null : (first?.ip ?? null)))
			const deadline = performance.now() + START_MS
			for (const node of nodes) {
				while ((await node.alive()) !== boxes.length) {
					if (performance.now() > deadline) throw new Error('the serf agents do not all know each other')
					await new Promise((resolve) => setTimeout(resolve, POLL_MS))
				}
			}
			return nodes
		} catch (error) {
			for (const node of nodes) node.kill()
			throw error
		}
	},
}

class SerfNode implements Contender {
	readonly #box: Box
	readonly #agent: ChildProcess
	readonly #monitor: ChildProcess
	readonly #hearings = new Hearings()
	/** updates seen of each node: serf's line names the node, not the tag */
	readonly #updates = new Map<string, number>()

	private constructor(box: Box, agent: ChildProcess, monitor: ChildProcess) {
		this.#box = box
		this.#agent = agent
		this.#monitor = monitor
		if (!monitor.stdout) throw new Error('serf monitor has no output')
		createInterface({ input: monitor.stdout }).on('line', (line) => {
			const [, event, name] = /serf: EventMember(Update|Failed): (\S+)/.exec(line) ?? []
			if (event === 'Failed') this.#hearings.tell(`lost ${name}`, now())
			if (event !== 'Update' || name === undefined) return
			const count = (this.#updates.get(name) ?? 0) + 1
			this.#updates.set(name, count)
			this.#hearings.tell(`${name} ${count}`, now())
		})
	}

	static async start(box: Box, join: string | null): Promise<SerfNode> {
		const argv = ['serf', 'agent', `-node=${box.name}`, `-bind=${box.ip}`, '-rpc-addr=127.0.0.1:7373', '-profile=lan']
		const agent = box.spawn([...argv, ...(join === null ? [] : [`-retry-join=${join}`])], { stdio: 'ignore' })
		const deadline = performance.now() + START_MS
		while ((await call(box, ['members'])).code !== 0) {
			if (performance.now() > deadline) throw new Error(`${box.name}: serf does not start`)
			await new Promise((resolve) => setTimeout(resolve, POLL_MS))
		}
		const monitor = box.spawn(['serf', 'monitor', '-log-level=info'], { stdio: ['ignore', 'pipe', 'ignore'] })
		return new SerfNode(box, agent, monitor)
	}

	get pid(): number {
		return this.#agent.pid ?? 0
	}

	async alive(): Promise<number> {
		const { stdout } = await call(this.#box, ['members', '-status=alive'])
		return stdout.split('\n').filter(Boolean).length
	}

	/** Said when its own agent has it: the command's start is not serf's delay. */
	async change(value: number): Promise<number> {
		const { code } = await call(this.#box, ['tags', '-set', `value=${value}`])
		if (code !== 0) throw new Error(`${this.#box.name}: serf took no tag`)
		return this.#hearings.of(`${this.#box.name} ${value}`, HEAR_MS)
	}

	heard(of: number, value: number): Promise<number> {
		return this.#hearings.of(`n${of} ${value}`, HEAR_MS)
	}

	lost(of: number): Promise<number> {
		return this.#hearings.of(`lost n${of}`, HEAR_MS)
	}

	async missing(): Promise<number> {
		const { stdout } = await call(this.#box, ['members', '-status=failed'])
		return stdout.split('\n').filter(Boolean).length
	}

	kill(): void {
		this.#monitor.kill('SIGKILL')
		this.#agent.kill('SIGKILL')
	}
}

async function call(box: Box, words: readonly string[]): Promise<{ code: number; stdout: string }> {
	const child = box.spawn(['serf', ...words], { stdio: ['ignore', 'pipe', 'ignore'] })
	let stdout = ''
	child.stdout?.on('data', (chunk: Buffer) => {
		stdout += chunk.toString()
	})
	const [code] = await once(child, 'close')
	return { code: Number(code ?? 1), stdout }
}
