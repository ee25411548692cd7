import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ownerIdentity } from './owner.ts'

/** Lives on a file system that a reboot empties, like everything the state describes. */
export const STATE_ROOT = '/run/lattice-lab'
/** Data of engines: overlay2 needs a real file system below it. */
export const DATA_ROOT = '/var/lib/lattice-lab'

export const LinkCondition = z.object({
	/** names of hosts, or `*` for all others */
	from: z.string(),
	to: z.string(),
	cut: z.boolean().default(false),
	/** one way, added to each packet */
	delayMs: z.number().min(0).default(0),
	/** share of packets that are lost */
	lossPercent: z.number().min(0).max(100).default(0),
})
export type LinkCondition = z.infer<typeof LinkCondition>

export const HostState = z.object({
	name: z.string(),
	/** the address on the lab's network; for a host behind NAT, its router's */
	ip: z.string(),
	/** the host's own address; differs from `ip` behind NAT only */
	ownIp: z.string(),
	nat: z.boolean(),
})
export type HostState = z.infer<typeof HostState>

export const LabState = z.object({
	id: z.string().regex(/^[a-z0-9-]{1,20}$/),
	/** third octet of 10.77.x.0/24 */
	subnet: z.number().int().min(0).max(255),
	/** the process whose end makes this lab a stray; null for a lab that a person keeps */
	owner: z.string().nullable(),
	hosts: z.array(HostState),
	links: z.array(LinkCondition),
})
export type LabState = z.infer<typeof LabState>

export const stateDirectory = (id: string) => join(STATE_ROOT, 'labs', id)
export const dataDirectory = (id: string) => join(DATA_ROOT, id)

export async function saveState(state: LabState): Promise<void> {
	const file = join(stateDirectory(state.id), 'state.json')
	await writeFile(`${file}.new`, JSON.stringify(state, null, '\t'))
	await rename(`${file}.new`, file)
}

/** null: no such lab, or one whose creation was cut short */
export async function loadState(id: string): Promise<LabState | null> {
	const text = await readFile(join(stateDirectory(id), 'state.json'), 'utf8').catch(nullWhenGone)
	return text === null ? null : LabState.parse(JSON.parse(text))
}

export async function labIds(): Promise<string[]> {
	return (await readdir(join(STATE_ROOT, 'labs')).catch(nullWhenGone)) ?? []
}

/** Reserves a /24 of 10.77.0.0/16: the exclusive creation of a file is the lock between labs that start at once. */
export async function reserveSubnet(lab: string): Promise<number> {
	const directory = join(STATE_ROOT, 'subnets')
	for (let subnet = 0; subnet <= 255; subnet++) {
		try {
			await writeFile(join(directory, String(subnet)), lab, { flag: 'wx' })
			return subnet
		} catch (error) {
			if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
		}
	}
	throw new Error(`all 256 networks of the lab are taken; see ${directory} and \`down --all\``)
}

export async function releaseSubnets(lab: string): Promise<void> {
	const directory = join(STATE_ROOT, 'subnets')
	for (const subnet of (await readdir(directory).catch(nullWhenGone)) ?? []) {
		const holder = await readFile(join(directory, subnet), 'utf8').catch(nullWhenGone)
		if (holder === lab) await rm(join(directory, subnet), { force: true })
	}
}

/** Labs whose owning process is gone: what a crashed test run left. */
export async function abandonedLabs(): Promise<string[]> {
	const abandoned: string[] = []
	for (const id of await labIds()) {
		const state = await loadState(id)
		if (state?.owner && state.owner !== (await ownerIdentity(Number.parseInt(state.owner, 10)))) abandoned.push(id)
	}
	return abandoned
}

function nullWhenGone(error: unknown): null {
	if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
	throw error
}
