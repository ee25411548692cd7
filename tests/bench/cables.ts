import { type ChildProcess, execFile, type SpawnOptions, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A machine without an engine: a network namespace with one cable to the switch. */
export interface Box {
	name: string
	ip: string
	spawn(argv: readonly string[], options?: SpawnOptions): ChildProcess
	/** bytes that it put on its cable so far, Ethernet headers included */
	sentBytes(): Promise<number>
	/** Pulls the cable at the switch: packets vanish, no kernel says a word. */
	unplug(): Promise<void>
	plug(): Promise<void>
}

/** Boxes on one switch, all in namespaces of this process; `remove` leaves nothing. Root on Linux. */
export async function cableUp(count: number): Promise<{ boxes: Box[]; remove(): Promise<void> }> {
	const id = `lb${process.pid}`
	const switchName = `${id}-switch`
	const names = [switchName, ...Array.from({ length: count }, (_, index) => `${id}-${index + 1}`)]
	const remove = async () => {
		for (const name of names) await run('ip', ['netns', 'del', name]).catch(() => undefined)
	}
	try {
		for (const name of names) await run('ip', ['netns', 'add', name])
		await ip(switchName, ['link add br0 type bridge forward_delay 0', 'link set br0 up'])
		const boxes: Box[] = []
		for (const [index, name] of names.slice(1).entries()) boxes.push(await makeBox(switchName, name, index + 1))
		return { boxes, remove }
	} catch (error) {
		await remove()
		throw error
	}
}

async function makeBox(switchName: string, namespace: string, number: number): Promise<Box> {
	const port = `p${number}`
	const address = `10.78.0.${number}`
	await ip(switchName, [
		`link add ${port} type veth peer name eth0 netns ${namespace}`,
		`link set ${port} master br0 up`,
	])
	await ip(namespace, ['link set lo up', `addr add ${address}/24 dev eth0`, 'link set eth0 up'])
	const net = `--net=/run/netns/${namespace}`
	return {
		name: `n${number}`,
		ip: address,
		spawn: (argv, options = {}) => spawn('nsenter', [net, ...argv], options),
		sentBytes: async () => {
			const { stdout } = await run('nsenter', [net, 'cat', '/proc/net/dev'])
			const line = stdout.split('\n').find((each) => each.trim().startsWith('eth0:'))
			return Number(line?.trim().split(/\s+/)[9])
		},
		// Out of the bridge, not down: the box keeps its carrier, as behind a switch whose uplink is cut.
		unplug: () => ip(switchName, [`link set ${port} nomaster`]),
		plug: () => ip(switchName, [`link set ${port} master br0`]),
	}
}

async function ip(namespace: string, lines: readonly string[]): Promise<void> {
	for (const line of lines) await run('ip', ['-n', namespace, ...line.split(' ')])
}

/** MiB that a process holds in memory. */
export async function residentMiB(pid: number): Promise<number> {
	const status = await readFile(`/proc/${pid}/status`, 'utf8')
	return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}
