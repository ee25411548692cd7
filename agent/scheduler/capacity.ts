import type { Ask } from './ask.ts'
import type { NodeIndex } from './node-index.ts'

/**
 * `cpus` of a workload is a cap, and services idle most of the time, so the caps on a node may add up to this many
 * times its cores; the kernel shares what is really used. Memory is never promised twice: a node that runs out kills.
 */
export const CPU_OVERCOMMIT = 4

/** Images and logs fill the engine's disk after admission; below this an engine starts to fail in odd ways. */
export const DISK_FLOOR_BYTES = 1024 ** 3
/** A volume grows too, and a database on a full disk loses more than a start. */
export const DISK_FLOOR_WITH_VOLUMES_BYTES = 2 * 1024 ** 3

/** Additions of tenths of a core drift; a workload is not refused for that. */
const CPU_ROUNDING = 1e-9

export function freeMemory(index: NodeIndex, row: number, ask: Ask): number {
	return (index.freeMemory[row] as number) - (ask.taken[row] as number) * ask.requirements.memoryBytes
}

/** Cores that caps may still be promised on a node. */
export function freeCpus(index: NodeIndex, row: number, ask: Ask): number {
	const reserved = (index.reservedCpus[row] as number) + (ask.taken[row] as number) * ask.requirements.cpus
	return (index.cpus[row] as number) * CPU_OVERCOMMIT - reserved
}

export function diskFloor(ask: Ask): number {
	return ask.requirements.volumes ? DISK_FLOOR_WITH_VOLUMES_BYTES : DISK_FLOOR_BYTES
}

export function memoryFits(index: NodeIndex, row: number, ask: Ask): boolean {
	return ask.requirements.memoryBytes <= freeMemory(index, row, ask)
}

/** An engine refuses a cap above the cores that it has, however idle they are. */
export function cpusExist(index: NodeIndex, row: number, ask: Ask): boolean {
	return ask.requirements.cpus <= (index.cpus[row] as number)
}

export function cpusFit(index: NodeIndex, row: number, ask: Ask): boolean {
	return ask.requirements.cpus <= freeCpus(index, row, ask) + CPU_ROUNDING
}

export function diskFits(index: NodeIndex, row: number, ask: Ask): boolean {
	return (index.freeDisk[row] as number) >= diskFloor(ask)
}
