import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { BUSYBOX } from '../fixtures/images.ts'
import { imageStorage } from '../fixtures/storage.ts'
import { makeGroup } from './cgroup.ts'
import { startEngine } from './engine.ts'
import { Host } from './host.ts'
import { ANY, applyLinks, merge } from './links.ts'
import { makeHostname, makeMounts, makeStateDirectory } from './namespaces.ts'
import { hostAddress, makeSwitch, PRIVATE_ADDRESS, plugIn, switchAddress } from './network.ts'
import { ownerIdentity } from './owner.ts'
import { REGISTRY_NAMES, startRegistry } from './registry.ts'
import {
	dataDirectory,
	type HostState,
	type LabState,
	type LinkCondition,
	loadState,
	reserveSubnet,
	saveState,
} from './state.ts'
import { removeAbandoned, removeLab } from './teardown.ts'

export interface LabOptions {
	/** h1 … hN */
	hosts: number
	/** how many of them, the last ones, stand behind a NAT router each */
	nat?: number
	/** default: one that no other lab has. 1 to 20 lower-case letters, digits, dashes */
	id?: string
	/** survives this process, until somebody removes it */
	keep?: boolean
	/** pulled into every engine beforehand; everything else is pulled when it is asked for */
	images?: readonly string[]
	/** a registry storage to serve and write instead of the fixtures' */
	writableStorage?: string
}

/** Several machines on this one: each a Docker engine, an address, a name and a file system part of its own. */
export class Lab {
	readonly id: string
	readonly hosts: readonly Host[]
	#state: LabState

	constructor(state: LabState) {
		this.#state = state
		this.id = state.id
		this.hosts = state.hosts.map((host) => new Host(state.id, host))
	}

	host(name: string): Host {
		const host = this.hosts.find((candidate) => candidate.name === name)
		if (!host) throw new Error(`lab ${this.id} has no host ${name}; it has ${this.hosts.map((h) => h.name).join(', ')}`)
		return host
	}

	get links(): readonly LinkCondition[] {
		return this.#state.links
	}

	/** Pulls the cable: both directions between two hosts, or between one host and all, the registry included. */
	cut(a: string, b: string = ANY): Promise<void> {
		return this.#change(a, b, { cut: true })
	}

	/** Undoes cut, delay and loss: of one link (exactly as it was named), or of every one. */
	async heal(a?: string, b: string = ANY): Promise<void> {
		if (a !== undefined) return this.#change(a, b, { cut: false, delayMs: 0, lossPercent: 0 })
		await this.#apply([])
	}

	/** Adds so much to each packet in each direction: a round trip grows by twice that. */
	delay(ms: number, a: string, b: string = ANY): Promise<void> {
		return this.#change(a, b, { delayMs: ms })
	}

	/** Loses so many of a hundred packets, at random, in each direction. */
	loss(percent: number, a: string, b: string = ANY): Promise<void> {
		return this.#change(a, b, { lossPercent: percent })
	}

	async down(): Promise<void> {
		await removeLab(this.id)
	}

	async #change(a: string, b: string, change: Parameters<typeof merge>[3]): Promise<void> {
		for (const name of [a, b]) if (name !== ANY) this.host(name)
		await this.#apply(merge(this.#state.links, a, b, change))
	}

	async #apply(links: LinkCondition[]): Promise<void> {
		this.#state = { ...this.#state, links }
		await applyLinks(this.#state)
		await saveState(this.#state)
	}
}

/** Needs root on Linux and takes about two seconds a host. Whatever was made is removed again when something fails. */
export async function createLab(options: LabOptions): Promise<Lab> {
	if (process.getuid?.() !== 0) throw new Error('a lab needs root: it makes network namespaces and runs engines')
	await removeAbandoned()
	const id = options.id ?? `t${randomBytes(4).toString('hex')}`
	if ((await loadState(id)) !== null) throw new Error(`lab ${id} exists already; remove it with \`down\` first`)
	const storage = options.writableStorage ?? (await imageStorage())
	try {
		return await build(id, storage, options)
	} catch (error) {
		await removeLab(id)
		throw error
	}
}

export async function openLab(id: string): Promise<Lab> {
	const state = await loadState(id)
	if (state === null) throw new Error(`there is no lab ${id}; make one with \`up\``)
	return new Lab(state)
}

async function build(id: string, storage: string, options: LabOptions): Promise<Lab> {
	await makeStateDirectory(id)
	const subnet = await reserveSubnet(id)
	const hosts = Array.from({ length: options.hosts }, (_, index): HostState => {
		const nat = index >= options.hosts - (options.nat ?? 0)
		const ip = hostAddress(subnet, index + 1)
		return { name: `h${index + 1}`, ip, ownIp: nat ? PRIVATE_ADDRESS : ip, nat }
	})
	const owner = options.keep ? null : await ownerIdentity(process.pid)
	const state: LabState = { id, subnet, owner, hosts, links: [] }
	await saveState(state)
	await makeSwitch(state)
	await startRegistry(state, storage, options.writableStorage !== undefined)
	const lab = new Lab(state)
	await Promise.all(lab.hosts.map((host, index) => makeHost(state, hosts[index] as HostState, host, options.images)))
	return lab
}

async function makeHost(
	lab: LabState,
	state: HostState,
	host: Host,
	images: readonly string[] = [BUSYBOX],
): Promise<void> {
	await makeGroup(lab.id, state.name)
	await plugIn(lab, state)
	await mkdir(join(dataDirectory(lab.id), state.name, 'home'), { recursive: true })
	await makeHostname(lab.id, state.name)
	await makeMounts(lab.id, state.name, {
		hosts: hostsFile(lab, state),
		// nobody listens there: a name that /etc/hosts does not know fails at once
		resolver: `nameserver ${switchAddress(lab.subnet)}\noptions timeout:1 attempts:1\n`,
	})
	await startEngine(lab.id, state.name)
	for (const image of images) {
		const pulled = await host.exec(['docker', 'pull', '--quiet', image])
		if (pulled.code !== 0) throw new Error(`${state.name} cannot pull ${image}: ${pulled.stderr.trim()}`)
	}
}

function hostsFile(lab: LabState, self: HostState): string {
	const lines = ['127.0.0.1 localhost', '::1 localhost', `${switchAddress(lab.subnet)} ${REGISTRY_NAMES.join(' ')}`]
	for (const host of lab.hosts) lines.push(`${host.name === self.name ? host.ownIp : host.ip} ${host.name}`)
	return `${lines.join('\n')}\n`
}
