import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.ts'
import { dataDirectory, STATE_ROOT, stateDirectory } from './state.ts'

/** Paths of namespaces that stay alive without a process in them. */
export interface Namespaces {
	net: string
	uts?: string
	mount?: string
}

export const netnsName = (lab: string, name: string) => `lattice-lab-${lab}-${name}`

export const netOnly = (lab: string, name: string): Namespaces => ({ net: `/run/netns/${netnsName(lab, name)}` })

export const ofHost = (lab: string, name: string): Namespaces => ({
	...netOnly(lab, name),
	uts: join(stateDirectory(lab), `${name}.uts`),
	mount: join(stateDirectory(lab), `${name}.mnt`),
})

/**
 * The command line that runs `argv` inside. nsenter, not `ip netns exec`: that one mounts a new /sys, which hides
 * /sys/fs/cgroup from an engine. Every step replaces the one before, so the pid of the child is the program's.
 */
export function inside(namespaces: Namespaces, group: string, argv: readonly string[], cwd?: string): string[] {
	const enter = ['nsenter', `--net=${namespaces.net}`]
	if (namespaces.uts) enter.push(`--uts=${namespaces.uts}`)
	if (namespaces.mount) enter.push(`--mount=${namespaces.mount}`)
	// entering a mount namespace loses the working directory
	const where = ['env', `--chdir=${cwd ?? process.cwd()}`]
	return joining(group, [...enter, ...where, ...argv])
}

/** Joins the group before the program starts, so that no child of it can be born outside. */
export function joining(group: string, argv: readonly string[]): string[] {
	return ['sh', '-c', 'echo $$ >"$0/cgroup.procs" && exec "$@"', group, ...argv]
}

/**
 * Makes the folder of a lab's state. Above it is a private tmpfs, because a mount namespace can be kept only below a
 * mount that does not propagate into it. The lock is against another lab that is made or removed at this moment.
 */
export async function makeStateDirectory(lab: string): Promise<void> {
	const script = `mkdir -p "$0"
		mountpoint -q "$0" || { mount -t tmpfs -o mode=755 lattice-lab "$0" && mount --make-private "$0"; }
		mkdir -p "$1" "$0/subnets"`
	await locked(script, STATE_ROOT, stateDirectory(lab))
}

/** The last lab takes the tmpfs with it. */
export async function removeStateDirectory(lab: string): Promise<void> {
	const script = `rm -rf "$1"
		if rmdir "$0/labs" 2>/dev/null; then umount "$0" && rmdir "$0"; fi`
	await locked(script, STATE_ROOT, stateDirectory(lab))
}

async function locked(script: string, ...args: string[]): Promise<void> {
	await run('flock', [`${STATE_ROOT}.lock`, 'sh', '-euc', script, ...args])
}

export async function makeNetwork(lab: string, name: string): Promise<void> {
	await run('ip', ['netns', 'add', netnsName(lab, name)])
	await run('ip', ['-n', netnsName(lab, name), 'link', 'set', 'lo', 'up'])
}

/** Writes below /proc/sys/net act on the network of the writer. */
export async function setSysctl(lab: string, name: string, key: string, value: string): Promise<void> {
	const file = join('/proc/sys', key)
	await run('nsenter', [`--net=${netOnly(lab, name).net}`, 'sh', '-c', 'echo "$1" >"$0"', file, value])
}

/** A host name of its own, as on a real machine: agents take theirs from it. */
export async function makeHostname(lab: string, name: string): Promise<void> {
	const file = ofHost(lab, name).uts as string
	await writeFile(file, '')
	await run('unshare', [`--uts=${file}`, 'hostname', name])
}

/**
 * The part of the file system that makes a machine of its own: /run, the engine's and Lattice's data, names. The engine
 * mounts its containers in here, so they vanish with the host and never show on the machine.
 */
export async function makeMounts(lab: string, name: string, files: { hosts: string; resolver: string }): Promise<void> {
	const data = join(dataDirectory(lab), name)
	for (const folder of ['docker', 'lattice', 'etc']) await mkdir(join(data, folder), { recursive: true })
	await writeFile(join(data, 'etc/hosts'), files.hosts)
	await writeFile(join(data, 'etc/resolv.conf'), files.resolver)
	await mountAll(lab, name)
}

/** Also how a host comes back after `kill`: with no mount and nothing in /run left from before. */
export async function mountAll(lab: string, name: string): Promise<void> {
	const data = join(dataDirectory(lab), name)
	await rm(join(data, 'run'), { recursive: true, force: true })
	await mkdir(join(data, 'run'))
	const file = ofHost(lab, name).mount as string
	await writeFile(file, '')
	const script = join(import.meta.dirname, 'mounts.sh')
	await run('unshare', [`--mount=${file}`, '--propagation=slave', 'sh', script, data])
}

export async function unmountAll(lab: string, name: string): Promise<void> {
	await run('umount', ['--lazy', ofHost(lab, name).mount as string])
}
