import { statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type EngineAnswer, pingEngine, usualSockets } from '../engine.ts'
import { bytes } from '../format.ts'
import type { Home } from '../home.ts'
import { type IsFree, PORT_DEFAULTS, portIsFree, rememberedPorts } from '../ports.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

const MIN_NODE = 24

export function checkNode(version: string = process.versions.node): Finding {
	if (Number.parseInt(version, 10) >= MIN_NODE) return ok('node', version)
	return failed('node', `${version} is older than ${MIN_NODE}`, 'Start with ./lattice, which brings its own.')
}

export function checkHome(home: Home): Finding {
	const stat = statSync(home.path, { throwIfNoEntry: false })
	if (!stat) return ok('home', `${home.path} is not made yet`)
	if (!stat.isDirectory()) return failed('home', `${home.path} is no folder`, 'Give another one with --home.')
	const mode = (stat.mode & 0o777).toString(8)
	if (process.getuid && stat.uid !== process.getuid()) {
		return failed('home', `${home.path} belongs to user ${stat.uid}`, `Run as that user, or give another --home.`)
	}
	if (stat.mode & 0o022) {
		return failed('home', `${home.path} has mode ${mode}: others may replace its files`, `chmod 700 ${home.path}`)
	}
	if (stat.mode & 0o055)
		return warning('home', `${home.path} has mode ${mode}: others may look into it`, `chmod 700 ${home.path}`)
	return ok('home', `${home.path}, mode ${mode}`)
}

const GIB = 1024 ** 3
/** A pull of an ordinary image and the database's own needs. */
const DISK_LOW = 5 * GIB
const DISK_OUT = GIB

export function checkDisk(home: Home): Finding {
	const path = nearestExisting(home.path)
	const { bavail, bsize } = statfsSync(path)
	return judgeDisk(path, bavail * bsize)
}

export function judgeDisk(path: string, free: number): Finding {
	const detail = `${bytes(free)} free at ${path}`
	const remedy = 'Remove unused images (docker image prune) or files.'
	if (free < DISK_OUT) return failed('disk', detail, remedy)
	return free < DISK_LOW ? warning('disk', detail, remedy) : ok('disk', detail)
}

function nearestExisting(path: string): string {
	return statSync(path, { throwIfNoEntry: false }) ? path : nearestExisting(dirname(path))
}

const ENGINE_REMEDY: Record<Exclude<EngineAnswer, 'answers'>, string> = {
	silent: 'Start the Docker engine (sudo systemctl start docker), or let "./lattice up --yes" install it.',
	forbidden: 'Let this user in: sudo usermod -aG docker $USER, then log in again.',
}

export async function checkEngine(dockerHost?: string): Promise<Finding> {
	const candidates = dockerHost ? [dockerHost] : usualSockets()
	let worst: Exclude<EngineAnswer, 'answers'> = 'silent'
	for (const candidate of candidates) {
		const answer = await pingEngine(candidate)
		if (answer === 'answers') return ok('engine', `answers at ${candidate}`)
		if (answer === 'forbidden') worst = answer
	}
	const where = candidates.join(', ')
	const detail = worst === 'forbidden' ? `refuses this user at ${where}` : `does not answer at ${where}`
	return failed('engine', detail, ENGINE_REMEDY[worst])
}

/** Only while nothing runs on this home: then the ports that `up` would take are asked for. */
export async function checkPorts(home: Home, isFree: IsFree = portIsFree): Promise<Finding> {
	const remembered = rememberedPorts(home)
	const wanted = (['console', 'agent', 'mesh'] as const).map((name) => remembered[name] ?? PORT_DEFAULTS[name])
	const taken: number[] = []
	for (const port of wanted) if (!(await isFree('127.0.0.1', port))) taken.push(port)
	if (taken.length === 0) return ok('ports', `${wanted.join(', ')} are free`)
	const remedy = 'Nothing to do: "up" takes the next free ones. To keep these, stop what uses them.'
	return warning('ports', `${taken.join(', ')} taken by another program`, remedy)
}
