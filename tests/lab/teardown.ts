import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { labsWithGroups, members, removeGroups } from './cgroup.ts'
import { run } from './command.ts'
import { killAll } from './host.ts'
import { netnsName, removeStateDirectory } from './namespaces.ts'
import { unplugOutside } from './network.ts'
import { abandonedLabs, DATA_ROOT, dataDirectory, labIds, releaseSubnets, stateDirectory } from './state.ts'

/**
 * Removes whatever there is of a lab. It reads what the kernel holds (groups, namespaces, mounts) rather than the state
 * file, so it also works after a crash at any point of the creation, and is safe to repeat.
 */
export async function removeLab(id: string): Promise<void> {
	await killAll(async () => [...new Set([...(await members(id)), ...(await inItsNetworks(id))])], `lab ${id}`)
	// first the mount namespaces: with them the engines' mounts go
	await removeEach(
		() => mountsBelow(`${stateDirectory(id)}/`),
		(mount) => run('umount', ['--lazy', mount]),
	)
	await unplugOutside(id)
	await removeEach(
		() => networksOf(id),
		(name) => run('ip', ['netns', 'del', name]),
	)
	await removeGroups(id)
	await rm(dataDirectory(id), { recursive: true, force: true })
	await releaseSubnets(id)
	await removeStateDirectory(id)
}

/** Two processes may remove the same abandoned lab; what counts is that nothing is left. */
async function removeEach(list: () => Promise<string[]>, remove: (name: string) => Promise<unknown>): Promise<void> {
	for (const name of await list()) {
		try {
			await remove(name)
		} catch (error) {
			if ((await list()).includes(name)) throw error
		}
	}
}

/** What test runs left behind that ended without `down`. */
export async function removeAbandoned(): Promise<string[]> {
	const abandoned = await abandonedLabs()
	for (const id of abandoned) await removeLab(id)
	return abandoned
}

/** Every lab of which anything is left, with state or without. */
export async function allLabs(): Promise<string[]> {
	const fromNetworks = (await networks()).map(({ lab }) => lab)
	const fromData = await namesIn(DATA_ROOT)
	return [...new Set([...(await labIds()), ...(await labsWithGroups()), ...fromNetworks, ...fromData])]
}

async function networksOf(id: string): Promise<string[]> {
	return (await networks()).filter(({ lab }) => lab === id).map(({ name }) => name)
}

/** Ids may hold dashes; the names of hosts, routers and the switch are told from them by their form. */
async function networks(): Promise<{ name: string; lab: string }[]> {
	const form = new RegExp(`^${netnsName('(.+)', '(?:switch|h\\d+|h\\d+-nat)')}$`)
	const names = await namesIn('/run/netns')
	return names.flatMap((name) => {
		const lab = form.exec(name)?.[1]
		return lab === undefined ? [] : [{ name, lab }]
	})
}

async function namesIn(directory: string): Promise<string[]> {
	return existsSync(directory) ? readdir(directory) : []
}

/** Processes that somebody started by hand with nsenter, outside the lab's groups. */
async function inItsNetworks(id: string): Promise<number[]> {
	const pids: number[] = []
	for (const name of await networksOf(id)) {
		const lines = (await run('ip', ['netns', 'pids', name])).split('\n')
		pids.push(...lines.filter((line) => line !== '').map(Number))
	}
	return pids.filter((pid) => pid !== process.pid)
}

async function mountsBelow(prefix: string): Promise<string[]> {
	const table = await readFile('/proc/self/mounts', 'utf8')
	const points = table.split('\n').map((line) => line.split(' ')[1] ?? '')
	return points.filter((point) => join(point).startsWith(prefix))
}
