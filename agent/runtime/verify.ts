import { isDeepStrictEqual } from 'node:util'
import type Dockerode from 'dockerode'
import {
	capabilitiesOf,
	FIRST_RESTART_POLICY,
	LOG_CONFIG,
	NO_NEW_PRIVILEGES,
	nanoCpus,
	portBindingsOf,
	RESTART_POLICY,
} from './container-options.ts'
import type { EngineFeatures } from './engine-connection.ts'
import { MAX_OPEN_FILES } from './open-files.ts'
import type { ContainerPlan } from './runtime.ts'

export interface Mismatch {
	field: string
	expected: unknown
	actual: unknown
}

/** An engine answers what it did with the request: null, absent, empty and zero are one and the same to it. */
function empty(value: unknown): boolean {
	if (value === undefined || value === null || value === '' || value === 0 || value === false) return true
	if (Array.isArray(value)) return value.length === 0
	return typeof value === 'object' && Object.keys(value).length === 0
}

const sorted = (values: unknown) => (Array.isArray(values) ? values.map(String).sort() : values)
const capability = (name: string) => name.replace(/^CAP_/, '')

/** What a container must not have at all, in whatever way it got there. */
const MUST_BE_EMPTY = [
	'Privileged',
	'PublishAllPorts',
	'AutoRemove',
	'Binds',
	'VolumesFrom',
	'VolumeDriver',
	'Devices',
	'DeviceRequests',
	'DeviceCgroupRules',
	'Sysctls',
	'Tmpfs',
	'Links',
	'ExtraHosts',
	'GroupAdd',
	'PidMode',
	'UTSMode',
	'UsernsMode',
	'Cgroup',
	'CgroupParent',
	'OomScoreAdj',
	'OomKillDisable',
	'CpusetCpus',
	'CpusetMems',
] as const

/**
 * Compares what the engine made with what was ordered. Plugins, a daemon's defaults or a proxy before the socket may
 * change a request; a container that differs is never started.
 */
export function mismatches(
	plan: ContainerPlan,
	inspected: Dockerode.ContainerInspectInfo,
	features: EngineFeatures,
): Mismatch[] {
	const { HostConfig: host, Config: config, Mounts: mounts } = inspected
	const found: Mismatch[] = []
	const expect = (field: string, actual: unknown, expected: unknown) => {
		if (!isDeepStrictEqual(actual, expected)) found.push({ field, expected, actual })
	}
	for (const field of MUST_BE_EMPTY) if (!empty(host[field])) found.push({ field, expected: null, actual: host[field] })

	expect('CapDrop', sorted(host.CapDrop), ['ALL'])
	expect('CapAdd', sorted((host.CapAdd ?? []).map(capability)), sorted(capabilitiesOf(plan)))
	expect('SecurityOpt', host.SecurityOpt, [NO_NEW_PRIVILEGES])
	expect('IpcMode', host.IpcMode, 'private')
	expect('NetworkMode', host.NetworkMode, plan.network)
	expect('Networks', Object.keys(inspected.NetworkSettings.Networks), [plan.network])
	expect('Memory', host.Memory, plan.memoryBytes)
	// A kernel without swap accounting drops this one limit; the memory limit itself still holds.
	if (features.swapLimit) expect('MemorySwap', host.MemorySwap, plan.memoryBytes)
	expect('NanoCpus', host.NanoCpus, nanoCpus(plan))
	expect('PidsLimit', host.PidsLimit, plan.pids)
	if (plan.shmBytes !== null) expect('ShmSize', host.ShmSize, plan.shmBytes)
	// Bounds, not values: one that was adopted may come from an agent that was started under another limit.
	const hard = new Map((host.Ulimits ?? []).map((limit) => [limit.Name, limit.Hard]))
	const bounded = hard.get('core') === 0 && (hard.get('nofile') ?? Number.POSITIVE_INFINITY) <= MAX_OPEN_FILES
	if (!bounded) found.push({ field: 'Ulimits', expected: `core 0, nofile ${MAX_OPEN_FILES}`, actual: host.Ulimits })
	expect('LogConfig', host.LogConfig, LOG_CONFIG)
	// One that was adopted may be proven already.
	const isKept = inspected.State.Status !== 'created' && host.RestartPolicy?.Name === RESTART_POLICY.Name
	expect('RestartPolicy', host.RestartPolicy, isKept ? RESTART_POLICY : FIRST_RESTART_POLICY)
	expect('Runtime', host.Runtime, features.runtime)
	expect('PortBindings', host.PortBindings ?? {}, portBindingsOf(plan))
	for (const path of host.MaskedPaths === undefined ? [] : ['/proc/kcore', '/proc/keys', '/sys/firmware']) {
		if (!host.MaskedPaths?.includes(path))
			found.push({ field: 'MaskedPaths', expected: path, actual: host.MaskedPaths })
	}

	const planned = new Map(plan.volumes.map((volume) => [volume.path, volume.name]))
	for (const mount of mounts) {
		const name = planned.get(mount.Destination)
		planned.delete(mount.Destination)
		// a volume that only the image declares is the engine's own, anonymous one
		const right = mount.Type === 'volume' && mount.Driver === 'local' && (name === undefined || name === mount.Name)
		if (!right)
			found.push({ field: 'Mounts', expected: name ?? 'volume', actual: `${mount.Type} ${mount.Destination}` })
	}
	for (const [path, name] of planned) found.push({ field: 'Mounts', expected: name, actual: `nothing at ${path}` })

	// An image's own labels may not pass for the agent's.
	const own = Object.entries(config.Labels ?? {}).filter(([key]) => key.startsWith('lattice.'))
	expect('Labels', Object.fromEntries(own), plan.labels)
	expect('Image', config.Image, plan.image)
	expect('Tty', config.Tty, false)
	// values stay out of it: a mismatch is logged
	const env = new Set(config.Env ?? [])
	for (const [key, value] of Object.entries(plan.env)) {
		if (!env.has(`${key}=${value}`)) found.push({ field: `Env.${key}`, expected: 'as planned', actual: 'different' })
	}
	return found
}
