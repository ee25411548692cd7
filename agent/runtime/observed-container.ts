import type Dockerode from 'dockerode'
import { RESTART_POLICY } from './container-options.ts'
import type { ObservedContainer } from './runtime.ts'

const STATES = ['created', 'running', 'paused', 'restarting', 'exited', 'dead', 'removing'] as const
const HEALTHS = ['starting', 'healthy', 'unhealthy'] as const

/** The engine's zero time stands for "never". */
function time(text: string): string | null {
	return text === '' || text.startsWith('0001-') ? null : text
}

export function observedContainer(inspected: Dockerode.ContainerInspectInfo): ObservedContainer {
	const { State, Config, HostConfig, NetworkSettings } = inspected
	const state = STATES.find((known) => known === State.Status) ?? 'dead'
	const network = NetworkSettings.Networks[HostConfig.NetworkMode ?? '']
	// The bindings that were ordered hold through stops; the live ones show those the engine chose.
	const live = state === 'running' && NetworkSettings.Ports
	const bindings = Object.entries((live || HostConfig.PortBindings || {}) as typeof NetworkSettings.Ports)
	return {
		id: inspected.Id,
		name: inspected.Name.replace(/^\//, ''),
		labels: Config.Labels ?? {},
		image: Config.Image,
		state,
		health: HEALTHS.find((known) => known === State.Health?.Status) ?? 'none',
		exitCode: state === 'exited' || state === 'dead' || state === 'restarting' ? State.ExitCode : null,
		oomKilled: State.OOMKilled,
		error: State.Error || null,
		startedAt: time(State.StartedAt),
		finishedAt: time(State.FinishedAt),
		restarts: inspected.RestartCount,
		keptRunning: HostConfig.RestartPolicy?.Name === RESTART_POLICY.Name,
		address: (state === 'running' && network?.IPAddress) || null,
		ports: bindings.flatMap(([port, hosts]) =>
			(hosts ?? []).map(({ HostIp, HostPort }) => ({
				container: Number.parseInt(port, 10),
				address: HostIp || '0.0.0.0',
				port: Number(HostPort),
			})),
		),
	}
}
