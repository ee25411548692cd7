import type Dockerode from 'dockerode'
import { type EngineFeatures, knowsApi } from './engine-connection.ts'
import type { ImageFacts } from './images.ts'
import type { ContainerPlan, Healthcheck } from './runtime.ts'

/**
 * What ordinary images need to start: chown their data, drop to a user of their own, bind port 80, signal their
 * children. Docker's default also has SETPCAP, MKNOD, NET_RAW, SYS_CHROOT, AUDIT_WRITE and SETFCAP, which they do not.
 */
export const ALLOWED_CAPABILITIES = [
	'CHOWN',
	'DAC_OVERRIDE',
	'FOWNER',
	'FSETID',
	'KILL',
	'NET_BIND_SERVICE',
	'SETGID',
	'SETUID',
] as const

export const NO_NEW_PRIVILEGES = 'no-new-privileges:true'

/** Hard limits too: a container cannot raise its own. No core files: they would hold secrets and fill the disk. */
function ulimits(features: EngineFeatures) {
	return [
		{ Name: 'nofile', Soft: features.openFiles, Hard: features.openFiles },
		{ Name: 'core', Soft: 0, Hard: 0 },
	]
}

/** 30 MB a container at most; json-file because it alone can be read back and followed on every engine. */
export const LOG_CONFIG = { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '3' } }

/** Until a deployment is proven: a program that ends at once runs once, and its exit code stays to be read. */
export const FIRST_RESTART_POLICY = { Name: 'no', MaximumRetryCount: 0 }

/**
 * Of what is proven: the engine restarts, not the agent, since a workload that crashes, and a host that reboots, must
 * come back while the agent is dead. `unless-stopped` and not `always`, so that a stop, which only the agent orders,
 * survives a reboot too. One effect stays one: only `create` makes a container, the engine only starts that one again,
 * and both a `stop` during the engine's back-off and a `remove` end it for good.
 *
 * Measured on 20.10: a restart of the engine and a power loss bring running containers back and leave stopped ones. After
 * a SIGKILL of the engine alone it stops those that lived on and counts that as a stop by hand: the reconciler, which
 * finds them exited, starts them.
 */
export const RESTART_POLICY = { Name: 'unless-stopped', MaximumRetryCount: 0 }

const NS_PER_MS = 1_000_000

/** Programs that must be process 1 themselves, or already are what the engine's init would be. */
const INIT_PROGRAM =
	/^(?:\/init|\/(?:usr\/)?s?bin\/init|.*\/systemd|(?:.*\/)?(?:tini|tini-static|dumb-init|s6-svscan))$/

/** The engine's init reaps zombies and forwards signals to programs that as process 1 would ignore them. */
export function wantsInit(image: ImageFacts, command: string[] | null): boolean {
	const program = [...image.entrypoint, ...(command ?? image.command)][0] ?? ''
	return !INIT_PROGRAM.test(program)
}

export function capabilitiesOf(plan: ContainerPlan): string[] {
	return ALLOWED_CAPABILITIES.filter((capability) => !plan.dropCapabilities.includes(capability))
}

export function nanoCpus(plan: ContainerPlan): number {
	return Math.round(plan.cpus * 1e9)
}

/** Only named volumes of the local driver: a bind would show the host's files. */
export function mountsOf(plan: ContainerPlan): Dockerode.MountSettings[] {
	return plan.volumes.map(({ name, path }) => ({
		Type: 'volume',
		Source: name,
		Target: path,
		VolumeOptions: { NoCopy: false, Labels: {}, DriverConfig: { Name: 'local', Options: {} } },
	}))
}

export function portBindingsOf(plan: ContainerPlan): Record<string, { HostIp: string; HostPort: string }[]> {
	return Object.fromEntries(
		plan.ports
			.filter((port) => port.bindings.length > 0)
			.map(({ container, bindings }) => [
				`${container}/tcp`,
				bindings.map(({ address, port }) => ({ HostIp: address, HostPort: String(port) })),
			]),
	)
}

function healthcheckOf(check: Healthcheck, features: EngineFeatures) {
	const hasStartInterval = knowsApi(features, 1, 44)
	// An engine without start interval would answer "healthy" a whole interval late; two seconds is bearable for both.
	const interval =
		check.startIntervalMs !== undefined && !hasStartInterval ? Math.min(check.intervalMs, 2_000) : check.intervalMs
	return {
		Test: ['CMD', ...check.command],
		Interval: interval * NS_PER_MS,
		Timeout: check.timeoutMs * NS_PER_MS,
		Retries: check.retries,
		StartPeriod: check.startPeriodMs * NS_PER_MS,
		...(hasStartInterval &&
			check.startIntervalMs !== undefined && { StartInterval: check.startIntervalMs * NS_PER_MS }),
	}
}

/**
 * A plan as the engine's create request. Everything that is not in the plan is set here, and nothing is left to the
 * engine's own defaults where a daemon.json could weaken it.
 */
export function containerOptions(
	plan: ContainerPlan,
	image: ImageFacts,
	features: EngineFeatures,
): Dockerode.ContainerCreateOptions {
	return {
		Image: plan.image,
		...(plan.command !== null && { Cmd: plan.command }),
		Env: Object.entries(plan.env).map(([key, value]) => `${key}=${value}`),
		Labels: plan.labels,
		Tty: false,
		OpenStdin: false,
		AttachStdin: false,
		AttachStdout: false,
		AttachStderr: false,
		ExposedPorts: Object.fromEntries(plan.ports.map((port) => [`${port.container}/tcp`, {}])),
		...(plan.healthcheck !== null && { Healthcheck: healthcheckOf(plan.healthcheck, features) }),
		StopTimeout: plan.stopTimeoutS,
		HostConfig: {
			NetworkMode: plan.network,
			PortBindings: portBindingsOf(plan),
			PublishAllPorts: false,
			Mounts: mountsOf(plan) as Dockerode.MountConfig,
			RestartPolicy: FIRST_RESTART_POLICY,
			AutoRemove: false,
			Init: wantsInit(image, plan.command),
			Privileged: false,
			CapDrop: ['ALL'],
			CapAdd: capabilitiesOf(plan),
			SecurityOpt: [NO_NEW_PRIVILEGES],
			IpcMode: 'private',
			PidMode: '',
			UTSMode: '',
			UsernsMode: '',
			// equal: the container gets no swap
			Memory: plan.memoryBytes,
			MemorySwap: plan.memoryBytes,
			NanoCpus: nanoCpus(plan),
			PidsLimit: plan.pids,
			Ulimits: ulimits(features),
			...(plan.shmBytes !== null && { ShmSize: plan.shmBytes }),
			LogConfig: LOG_CONFIG,
			Runtime: features.runtime,
		},
		NetworkingConfig: { EndpointsConfig: { [plan.network]: { Aliases: plan.aliases } } },
	}
}
