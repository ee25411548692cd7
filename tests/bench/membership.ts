import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { generateKey, issueMembership, peerIdOf, type SigningKey } from '../../agent/identity/index.ts'
import { type LatticeFixture, latticeFixture } from '../../agent/identity/lattice.fixture.ts'
import { entryOf } from '../../agent/membership/virtual-lattice.fixture.ts'
import { createPeer, Members, type MeshLog, type Peer } from '../../agent/mesh/index.ts'
import type { BenchRow } from './row.ts'

/**
 * Real peers on loopback, all in one process, in a network namespace of their own (root only): what a change, a death
 * and a cut take to be known by the last node, and the bytes an idle node sends, counted at the interface. One process
 * for all is harder on times than machines are. Agents with engines, and serf beside them, are measured in the lab.
 */
const SIZES = [10, 25]
const CHANGES = 40
const IDLE_S = 60

const run_ = promisify(execFile)
const silent: MeshLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Node {
	peer: Peer
	members: Members
	reserve(bytes: number): void
}

async function startNode(lattice: LatticeFixture, key: SigningKey, name: string, known: Node[]): Promise<Node> {
	const peerId = peerIdOf(key.publicKey)
	const about = { latticeId: lattice.latticeId, peerId, name, role: 'agent' as const, labels: {}, gateway: false }
	const certificate = await issueMembership(lattice.issuer, about)
	const trust = await lattice.trust()
	const peer = await createPeer({
		key,
		listen: ['/ip4/127.0.0.1/tcp/0'],
		trust: () => trust,
		certificate: () => certificate,
		log: silent,
		timeouts: { ping: 60_000, reach: 30_000, address: 30_000, admission: 30_000 },
	})
	await peer.start()
	const members = new Members({
		peer,
		key,
		trust,
		certificate: () => certificate,
		incarnation: Math.floor(Date.now() / 1000),
		known: known.map((each) => ({ peerId: each.peer.peerId, addresses: each.peer.addresses() })),
		log: silent,
	})
	members.start()
	const { peerId: _id, incarnation: _incarnation, sequence: _sequence, ...status } = entryOf(peerId, 1, 1).status
	const reserve = (memoryBytes: number) =>
		members.announce({ ...status, name, addresses: peer.addresses(), allocated: { ...status.allocated, memoryBytes } })
	reserve(0)
	return { peer, members, reserve }
}

/** The last peer id comes first: the others dial it, so that its one port is all there is to cut. */
async function startLattice(size: number): Promise<Node[]> {
	const lattice = await latticeFixture()
	const keys = Array.from({ length: size }, generateKey).sort((a, b) =>
		peerIdOf(a.publicKey) < peerIdOf(b.publicKey) ? 1 : -1,
	)
	const nodes: Node[] = []
	const whole = (node: Node) =>
		node.members.view.list().filter(({ liveness }) => liveness === 'alive').length === nodes.length &&
		node.peer.connected().length === nodes.length - 1
	// One after the other: 300 handshakes at once in one process would be the first thing that is measured.
	for (const [i, key] of keys.entries()) {
		nodes.push(await startNode(lattice, key, `n${i}`, nodes.slice(0, 1)))
		await until(`${nodes.length} nodes know each other`, () => nodes.every(whole), 120_000)
	}
	// gossipsub's meshes form with its heartbeat.
	await sleep(5_000)
	return nodes
}

async function until(what: string, holds: () => boolean, limitMs: number): Promise<number> {
	const start = performance.now()
	while (!holds()) {
		if (performance.now() - start > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`)
		await sleep(1)
	}
	return performance.now() - start
}

async function changes(nodes: Node[]): Promise<number[]> {
	const times: number[] = []
	for (let i = 1; i <= CHANGES; i++) {
		const author = nodes[i % nodes.length] as Node
		const others = nodes.filter((node) => node !== author)
		let waiting = others.length
		const done = Promise.withResolvers<void>()
		const endings = others.map((node) =>
			node.members.view.onChange(({ peerId, view }) => {
				if (peerId === author.peer.peerId && view?.status.allocated.memoryBytes === i && --waiting === 0) done.resolve()
			}),
		)
		const start = performance.now()
		author.reserve(i)
		await done.promise
		times.push(performance.now() - start)
		for (const end of endings) end()
		await sleep(150)
	}
	return times.sort((a, b) => a - b)
}

async function sentBytes(): Promise<number> {
	const line = (await readFile('/proc/net/dev', 'utf8')).split('\n').find((each) => each.trim().startsWith('lo:'))
	return Number(line?.trim().split(/\s+/)[9])
}

/** Drops every packet from and to the victim's port: a cut link, without a word from any kernel. */
async function cutOff(node: Node): Promise<void> {
	const port = node.peer.addresses()[0]?.match(/tcp\/(\d+)/)?.[1] ?? ''
	for (const side of ['--dport', '--sport']) {
		await run_('iptables', ['-A', 'INPUT', '-i', 'lo', '-p', 'tcp', side, port, '-j', 'DROP'])
	}
}

async function measure(size: number): Promise<BenchRow[]> {
	const nodes = await startLattice(size)
	const row = (name: string, value: number, unit: string, goal: number | null): BenchRow => ({
		name: `membership, ${size} nodes: ${name}`,
		value: Number(value.toPrecision(3)),
		unit,
		goal: goal === null ? null : `<= ${goal}`,
		ok: goal === null || value <= goal,
	})
	const downAt = (victim: Node, others: Node[]) =>
		until(
			'all know',
			() => others.every((each) => each.members.view.get(victim.peer.peerId)?.liveness === 'down'),
			30_000,
		)

	const times = await changes(nodes)
	const before = await sentBytes()
	await sleep(IDLE_S * 1000)
	const idle = ((await sentBytes()) - before) / IDLE_S / size
	const falseAlarms = nodes.filter((node) =>
		node.members.view.list().some(({ liveness }) => liveness !== 'alive'),
	).length

	const [cut, killed, ...rest] = nodes as [Node, Node, ...Node[]]
	killed.members.stop()
	const killing = killed.peer.stop()
	const killMs = await downAt(killed, [cut, ...rest])
	await killing
	await cutOff(cut)
	const cutMs = await downAt(cut, rest)

	for (const { members, peer } of [cut, ...rest]) {
		members.stop()
		await peer.stop()
	}
	return [
		row('change → last node p50', times[Math.floor(times.length / 2)] ?? Number.NaN, 'ms', null),
		row('change → last node p99', times.at(-1) ?? Number.NaN, 'ms', 100),
		row('bytes sent a node, idle', idle, 'B/s', 2_000),
		row('nodes with a false alarm while idle', falseAlarms, '', 0),
		row('stopped → all know', killMs, 'ms', 1_000),
		row('cut → all know', cutMs, 'ms', 3_000),
	]
}

/** In a namespace of its own; nothing to report for whoever may not make one. */
export async function run(): Promise<BenchRow[]> {
	if (process.getuid?.() !== 0) return []
	const script = 'ip link set lo up && exec "$0" "$1" --inside'
	const child = spawn('unshare', ['--net', 'sh', '-c', script, process.execPath, import.meta.filename], {
		stdio: ['ignore', 'pipe', 'inherit'],
	})
	let output = ''
	child.stdout.on('data', (chunk: Buffer) => {
		output += chunk.toString()
	})
	const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
	if (code !== 0) throw new Error(`the membership bench ended with ${code}`)
	return JSON.parse(output) as BenchRow[]
}

if (process.argv[2] === '--inside') {
	const rows: BenchRow[] = []
	for (const size of SIZES) rows.push(...(await measure(size)))
	console.log(JSON.stringify(rows))
} else if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
	console.log(JSON.stringify(await run(), null, 2))
}
