import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Which processes belong to a host is answered by control groups alone: everything a host runs is born in one, its
 * children stay there, and its engine puts containers below it (`--cgroup-parent`). Works on v1 and v2.
 */
const MOUNT = '/sys/fs/cgroup'
const ROOT = 'lattice-lab'
const isVersion2 = () => existsSync(join(MOUNT, 'cgroup.controllers'))
/** v1 has a tree for each controller; membership is kept in one that every engine uses, too. */
const tree = () => (isVersion2() ? MOUNT : join(MOUNT, 'pids'))

/** For `dockerd --cgroup-parent`. v2 forbids processes beside child groups, so a host's own are in `self`. */
export const containersGroup = (lab: string, host: string) => `/${ROOT}/${lab}/${host}/containers`

/** Makes the group for a host's (or the switch's) own processes and returns its directory. */
export async function makeGroup(lab: string, host: string): Promise<string> {
	const directory = processGroup(lab, host)
	await mkdir(directory, { recursive: true })
	return directory
}

export const processGroup = (lab: string, host: string) => join(tree(), ROOT, lab, host, 'self')

/** Pids of a lab, or of one of its hosts, containers included. */
export async function members(lab: string, host?: string): Promise<number[]> {
	const start = join(tree(), ROOT, lab, host ?? '')
	const pids = new Set<number>()
	for (const directory of await directoriesBelow(start)) {
		for (const line of (await readOrEmpty(join(directory, 'cgroup.procs'))).split('\n')) {
			if (line !== '') pids.add(Number(line))
		}
	}
	pids.delete(0) // a process of another pid namespace
	return [...pids]
}

/** Ids of labs that have a group; also after a crash that lost the state. */
export async function labsWithGroups(): Promise<string[]> {
	return childrenOf(join(tree(), ROOT))
}

/** Removes the groups of a lab in every tree; they must be empty of processes. */
export async function removeGroups(lab: string): Promise<void> {
	const trees = isVersion2() ? [MOUNT] : (await childrenOf(MOUNT)).map((name) => join(MOUNT, name))
	for (const base of trees) {
		const directories = await directoriesBelow(join(base, ROOT, lab))
		for (const directory of directories.reverse()) await rmdir(directory).catch((error) => ignoreGone(error, undefined))
		if ((await childrenOf(join(base, ROOT))).length === 0) await rmdir(join(base, ROOT)).catch(ignoreInUse)
	}
}

/** parents first */
async function directoriesBelow(directory: string): Promise<string[]> {
	if (!existsSync(directory)) return []
	const found = [directory]
	for (const child of await childrenOf(directory)) found.push(...(await directoriesBelow(join(directory, child))))
	return found
}

async function childrenOf(directory: string): Promise<string[]> {
	try {
		const entries = await readdir(directory, { withFileTypes: true })
		return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
	} catch (error) {
		return ignoreGone(error, [])
	}
}

async function readOrEmpty(file: string): Promise<string> {
	try {
		return await readFile(file, 'utf8')
	} catch (error) {
		return ignoreGone(error, '')
	}
}

/** A group may vanish while the tree is walked. */
function ignoreGone<T>(error: unknown, instead: T): T {
	const code = error instanceof Error && 'code' in error ? error.code : undefined
	if (code === 'ENOENT' || code === 'ENODEV') return instead
	throw error
}

/** Another lab may be making its group below the shared root at this moment. */
function ignoreInUse(error: unknown): void {
	const code = error instanceof Error && 'code' in error ? error.code : undefined
	if (code !== 'EBUSY' && code !== 'ENOTEMPTY' && code !== 'ENOENT') throw error
}
