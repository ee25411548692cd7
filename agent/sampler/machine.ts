import { readFile } from 'node:fs/promises'
import { cpus, freemem, totalmem } from 'node:os'

/** Counters of the whole machine since its start, and what is in use now. Null: this system does not tell. */
export interface MachineReading {
	/** monotonic milliseconds */
	at: number
	/** core-seconds */
	busySeconds: number | null
	cores: number
	memoryBytes: number | null
	memoryLimitBytes: number | null
	rxBytes: number | null
	txBytes: number | null
	readBytes: number | null
	writtenBytes: number | null
}

/** USER_HZ: what /proc/stat counts in. It is 100 on every Linux that Node.js runs on. */
const TICKS_PER_SECOND = 100
const SECTOR_BYTES = 512

/** Linux tells by /proc; elsewhere Node.js knows processors and memory only. */
export async function readMachine(): Promise<MachineReading> {
	const at = performance.now()
	if (process.platform !== 'linux') {
		return { at, busySeconds: busyByNode(), cores: cpus().length, ...memoryByNode(), ...NOTHING_COUNTED }
	}
	const [stat, memory, network, disks] = await Promise.all(
		['stat', 'meminfo', 'net/dev', 'diskstats'].map((file) => readFile(`/proc/${file}`, 'utf8')),
	)
	return {
		at,
		...processorsOf(stat ?? ''),
		...memoryOf(memory ?? ''),
		...networkOf(network ?? ''),
		...disksOf(disks ?? ''),
	}
}

const NOTHING_COUNTED = { rxBytes: null, txBytes: null, readBytes: null, writtenBytes: null }

function busyByNode(): number {
	return cpus().reduce((sum, { times }) => sum + (times.user + times.nice + times.sys + times.irq) / 1000, 0)
}

function memoryByNode() {
	return { memoryBytes: totalmem() - freemem(), memoryLimitBytes: totalmem() }
}

/** https://docs.kernel.org/filesystems/proc.html#miscellaneous-kernel-statistics-in-proc-stat; guest time is in user time already */
export function processorsOf(stat: string): { busySeconds: number | null; cores: number } {
	const cores = stat.match(/^cpu\d+ /gm)?.length ?? 0
	const ticks = /^cpu +(.*)$/m.exec(stat)?.[1]?.trim().split(/ +/).map(Number)
	if (ticks === undefined) return { busySeconds: null, cores }
	const [user = 0, nice = 0, system = 0, _idle, _waiting, irq = 0, softirq = 0, stolen = 0] = ticks
	return { busySeconds: (user + nice + system + irq + softirq + stolen) / TICKS_PER_SECOND, cores }
}

/** MemAvailable is the kernel's own estimate of what could be had without swapping: the rest is in use. */
export function memoryOf(meminfo: string): { memoryBytes: number | null; memoryLimitBytes: number | null } {
	const kib = (name: string) => {
		const found = new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(meminfo)
		return found ? Number(found[1]) * 1024 : null
	}
	const total = kib('MemTotal')
	const available = kib('MemAvailable')
	return { memoryBytes: total === null || available === null ? null : total - available, memoryLimitBytes: total }
}

/** What crosses the machine's edge: bridges and their virtual ends would count each byte of a container again. */
const INNER_INTERFACE = /^(lo|docker\d|br-|veth|virbr|cni|flannel|tailscale|wg|tun|tap)/

export function networkOf(dev: string): { rxBytes: number; txBytes: number } {
	let rxBytes = 0
	let txBytes = 0
	for (const line of dev.split('\n')) {
		const [, name = '', counters = ''] = /^ *([^:\s]+): *(.*)$/.exec(line) ?? []
		if (name === '' || INNER_INTERFACE.test(name)) continue
		const columns = counters.split(/ +/).map(Number)
		rxBytes += columns[0] ?? 0
		txBytes += columns[8] ?? 0
	}
	return { rxBytes, txBytes }
}

/** Whole disks: their partitions, and what is stacked on them, would count each byte again. */
const WHOLE_DISK = /^(sd[a-z]+|hd[a-z]+|vd[a-z]+|xvd[a-z]+|nvme\d+n\d+|mmcblk\d+)$/

export function disksOf(diskstats: string): { readBytes: number; writtenBytes: number } {
	let readBytes = 0
	let writtenBytes = 0
	for (const line of diskstats.split('\n')) {
		const columns = line.trim().split(/ +/)
		if (!WHOLE_DISK.test(columns[2] ?? '')) continue
		readBytes += Number(columns[5]) * SECTOR_BYTES
		writtenBytes += Number(columns[9]) * SECTOR_BYTES
	}
	return { readBytes, writtenBytes }
}
