import type Dockerode from 'dockerode'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ALLOWED_CAPABILITIES, containerOptions, RESTART_POLICY, wantsInit } from './container-options.ts'
import type { EngineFeatures } from './engine-connection.ts'
import type { ContainerPlan } from './runtime.ts'
import { mismatches } from './verify.ts'

const features: EngineFeatures = { api: [1, 41], swapLimit: true, runtime: 'runc', openFiles: 65_536 }
const image = { id: 'sha256:0', entrypoint: ['docker-entrypoint.sh'], command: ['postgres'] }

const plan: ContainerPlan = {
	name: 'lattice-w-1-0',
	image: 'postgres:17',
	command: null,
	env: { PASSWORD: 'hush' },
	labels: { 'lattice.workload': 'w_1', 'lattice.owner': 'ada' },
	network: 'lattice-ada',
	aliases: ['db'],
	ports: [{ container: 5432, protocol: 'tcp', bindings: [{ address: '127.0.0.1', port: 20_001 }] }],
	volumes: [{ name: 'lattice-w-1-data', path: '/data' }],
	memoryBytes: 512 * 1024 * 1024,
	cpus: 0.5,
	pids: 256,
	shmBytes: 64 * 1024 * 1024,
	healthcheck: {
		command: ['pg_isready'],
		intervalMs: 5_000,
		startIntervalMs: 500,
		timeoutMs: 5_000,
		retries: 5,
		startPeriodMs: 60_000,
	},
	dropCapabilities: ['NET_BIND_SERVICE'],
	stopTimeoutS: 30,
}

type Inspected = Dockerode.ContainerInspectInfo

/** What an honest engine answers to a create request. */
function inspected(): Inspected {
	const { HostConfig, NetworkingConfig, Labels, Env, Image } = containerOptions(plan, image, features)
	const masked = ['/proc/asound', '/proc/kcore', '/proc/keys', '/sys/firmware']
	return structuredClone({
		State: { Status: 'created' },
		HostConfig: { ...HostConfig, Binds: null, Sysctls: null, Devices: [], OomScoreAdj: 0, MaskedPaths: masked },
		Config: { Labels: { ...Labels, maintainer: 'someone' }, Env: [...(Env ?? []), 'PATH=/bin'], Image, Tty: false },
		Mounts: [
			{ Type: 'volume', Name: 'lattice-w-1-data', Driver: 'local', Destination: '/data' },
			// declared by the image alone
			{ Type: 'volume', Name: 'f'.repeat(64), Driver: 'local', Destination: '/var/lib/postgresql' },
		],
		NetworkSettings: { Networks: NetworkingConfig?.EndpointsConfig },
	}) as unknown as Inspected
}

const fields = (tampered: Inspected, engine = features) => mismatches(plan, tampered, engine).map(({ field }) => field)

describe('the re-inspection', () => {
	it('finds nothing wrong with what was ordered', () => {
		expect(mismatches(plan, inspected(), features)).toEqual([])
	})

	const host = (change: Record<string, unknown>) => (it: Inspected) => void Object.assign(it.HostConfig, change)
	const mount = (change: Record<string, unknown>) => (it: Inspected) => void Object.assign(it.Mounts[0] ?? {}, change)

	it.each<[string, (it: Inspected) => void]>([
		['Privileged', host({ Privileged: true })],
		['CapAdd', host({ CapAdd: [...ALLOWED_CAPABILITIES] })],
		['CapAdd', host({ CapAdd: ['SYS_ADMIN'] })],
		['CapDrop', host({ CapDrop: null })],
		['SecurityOpt', host({ SecurityOpt: ['no-new-privileges:true', 'seccomp=unconfined'] })],
		['SecurityOpt', host({ SecurityOpt: null })],
		['PidMode', host({ PidMode: 'host' })],
		['IpcMode', host({ IpcMode: 'host' })],
		['IpcMode', host({ IpcMode: 'shareable' })],
		['UTSMode', host({ UTSMode: 'host' })],
		['UsernsMode', host({ UsernsMode: 'host' })],
		['NetworkMode', host({ NetworkMode: 'host' })],
		['Binds', host({ Binds: ['/:/host'] })],
		['Devices', host({ Devices: [{ PathOnHost: '/dev/sda' }] })],
		['DeviceRequests', host({ DeviceRequests: [{ Driver: 'nvidia' }] })],
		['Sysctls', host({ Sysctls: { 'net.ipv4.ip_forward': '1' } })],
		['VolumesFrom', host({ VolumesFrom: ['other'] })],
		['GroupAdd', host({ GroupAdd: ['docker'] })],
		['Memory', host({ Memory: 0 })],
		['MemorySwap', host({ MemorySwap: -1 })],
		['NanoCpus', host({ NanoCpus: 0 })],
		['PidsLimit', host({ PidsLimit: null })],
		['Ulimits', host({ Ulimits: null })],
		[
			'Ulimits',
			host({
				Ulimits: [
					{ Name: 'core', Soft: -1, Hard: -1 },
					{ Name: 'nofile', Soft: 1, Hard: 1 },
				],
			}),
		],
		[
			'Ulimits',
			host({
				Ulimits: [
					{ Name: 'core', Soft: 0, Hard: 0 },
					{ Name: 'nofile', Soft: 1, Hard: 1_048_576 },
				],
			}),
		],
		['LogConfig', host({ LogConfig: { Type: 'json-file', Config: {} } })],
		['RestartPolicy', host({ RestartPolicy: RESTART_POLICY })],
		['RestartPolicy', host({ RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } })],
		['Runtime', host({ Runtime: 'other' })],
		['PublishAllPorts', host({ PublishAllPorts: true })],
		['PortBindings', host({ PortBindings: { '5432/tcp': [{ HostIp: '0.0.0.0', HostPort: '20001' }] } })],
		['PortBindings', host({ PortBindings: null })],
		['MaskedPaths', host({ MaskedPaths: null })],
		['MaskedPaths', host({ MaskedPaths: [] })],
		['Mounts', mount({ Type: 'bind', Name: undefined })],
		['Mounts', mount({ Name: 'lattice-w-2-data' })],
		['Mounts', mount({ Driver: 'nfs' })],
		['Mounts', (it) => void it.Mounts.splice(0, 1)],
		['Mounts', (it) => void it.Mounts.push({ ...it.Mounts[0], Type: 'bind', Destination: '/host' } as never)],
		['Networks', (it) => void Object.assign(it.NetworkSettings.Networks, { 'lattice-eve': {} })],
		['Labels', (it) => void Object.assign(it.Config.Labels, { 'lattice.node': 'from the image' })],
		['Labels', (it) => void Object.assign(it.Config.Labels, { 'lattice.owner': 'eve' })],
		['Image', (it) => void Object.assign(it.Config, { Image: 'other' })],
		['Tty', (it) => void Object.assign(it.Config, { Tty: true })],
		['Env.PASSWORD', (it) => void Object.assign(it.Config, { Env: ['PASSWORD=other'] })],
	])('finds a changed %s', (field, tamper) => {
		const changed = inspected()
		tamper(changed)
		expect(new Set(fields(changed))).toEqual(new Set([field]))
	})

	it('takes one that runs under the policy of what is proven', () => {
		const adopted = inspected()
		adopted.State.Status = 'running'
		adopted.HostConfig.RestartPolicy = RESTART_POLICY
		expect(fields(adopted)).toEqual([])
	})

	it('tells no values of the environment', () => {
		const changed = inspected()
		changed.Config.Env = ['PASSWORD=changed']
		expect(JSON.stringify(mismatches(plan, changed, features))).not.toMatch(/hush|changed/)
	})

	it('bears an engine that cannot limit swap, and one that spells capabilities in full', () => {
		const changed = inspected()
		changed.HostConfig.MemorySwap = -1
		changed.HostConfig.CapAdd = changed.HostConfig.CapAdd.map((name: string) => `CAP_${name}`)
		expect(fields(changed, { ...features, swapLimit: false })).toEqual([])
		expect(fields(changed)).toEqual(['MemorySwap'])
	})
})

describe('the create request', () => {
	it('never has more than the allow-list of capabilities', () => {
		fc.assert(
			fc.property(fc.subarray([...ALLOWED_CAPABILITIES, 'SYS_ADMIN', 'NET_ADMIN']), (dropCapabilities) => {
				const { HostConfig } = containerOptions({ ...plan, dropCapabilities }, image, features)
				expect(ALLOWED_CAPABILITIES).toEqual(expect.arrayContaining(HostConfig?.CapAdd))
				for (const dropped of dropCapabilities) expect(HostConfig?.CapAdd).not.toContain(dropped)
				expect(HostConfig?.CapDrop).toEqual(['ALL'])
			}),
		)
	})

	it("keeps the image's own command and health check when the plan has none", () => {
		expect(containerOptions({ ...plan, healthcheck: null }, image, features)).not.toHaveProperty('Healthcheck')
		expect(containerOptions(plan, image, features)).not.toHaveProperty('Cmd')
		expect(containerOptions({ ...plan, command: ['postgres', '-c', 'x=1'] }, image, features).Cmd).toHaveLength(3)
	})

	it('asks often until the first success, as the engine can', () => {
		const check = (api: [number, number]) => containerOptions(plan, image, { ...features, api }).Healthcheck
		expect(check([1, 41])).toEqual({
			Test: ['CMD', 'pg_isready'],
			Interval: 2e9,
			Timeout: 5e9,
			Retries: 5,
			StartPeriod: 60e9,
		})
		expect(check([1, 44])).toMatchObject({ Interval: 5e9, StartInterval: 0.5e9 })
	})

	it.each([
		[[], ['nginx'], null, true],
		[['docker-entrypoint.sh'], ['postgres'], null, true],
		[['/init'], [], null, false],
		[['/sbin/init'], [], null, false],
		[['/usr/lib/systemd/systemd'], [], null, false],
		[['/usr/bin/tini', '--'], ['x'], null, false],
		[['tini'], [], null, false],
		[['/usr/bin/dumb-init'], [], ['x'], false],
		[[], ['nginx'], ['/sbin/init'], false],
		[['/app/init.sh'], [], null, true],
		[['/initialise'], [], null, true],
		[[], [], null, true],
	])('with entrypoint %j, command %j and the plan %j has an init: %s', (entrypoint, command, own, init) => {
		expect(wantsInit({ id: 'sha256:0', entrypoint, command }, own)).toBe(init)
	})
})
