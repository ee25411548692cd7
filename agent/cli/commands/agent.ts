import type { Command } from 'commander'
import { LatticeError } from '../../protocol/index.ts'
import type { Cli, Register } from '../cli.ts'
import { ensureEngine } from '../engine.ts'
import { type GatewayOptions, gatewayOptions, gatewaySettings } from '../gateway-options.ts'
import { isEnrolled, lockHome } from '../home.ts'
import { announced, portOf } from '../mesh-addresses.ts'
import { dockerHost, ipAddress, multiaddr, port, repeated } from '../options.ts'
import { Ports } from '../ports.ts'
import { rememberUrl } from '../served-urls.ts'
import { announceService, installService } from '../service/install.ts'
import { AgentReady, agentChild } from '../supervisor/children.ts'
import { Supervisor } from '../supervisor/supervisor.ts'

export interface AgentOptions extends GatewayOptions {
	yes: boolean
	agentHost: string
	agentPort?: number
	meshListen?: string[]
	announce?: string[]
	dataPort?: number
	dockerHost?: string
	/** undefined: for a node that has joined, what it joined as */
	gateway?: boolean
}

/** What `join` and `agent` have in common. */
export function agentOptions(command: Command): Command {
	return gatewayOptions(command)
		.option('--yes', 'answer every install question with yes', false)
		.option('--agent-host <addr>', 'where agent REST listens', ipAddress, '127.0.0.1')
		.option('--agent-port <n>', 'agent REST (default: 4001 or the next free one)', port)
		.option(
			'--mesh-listen <multiaddr>',
			'mesh (default: every address at 4100 or the next free port); repeatable',
			multiaddr,
		)
		.option('--announce <addr>', 'an address that other machines reach this one at; repeatable', repeated)
		.option(
			'--data-port <n>',
			'connections to workloads, where the mesh listens (default: 4200 or the next free one)',
			port,
		)
		.option('--docker-host <url>', 'an engine that is there; nothing is installed or started', dockerHost)
		.option('--gateway', 'front workloads of other nodes at --agent-host')
}

export const registerAgent: Register = (program, open) => {
	agentOptions(program.command('agent').description('run the agent of a machine that has joined'))
		.option('--install', 'as a service of systemd that starts with this machine', false)
		.action((options: AgentOptions & { install: boolean }, command) => {
			const cli = open(command)
			if (!isEnrolled(cli.home)) {
				throw new LatticeError(
					'WRONG_STATE',
					`${cli.home.path} has not joined a lattice; run "lattice join TOKEN" with a token of "lattice invite".`,
				)
			}
			if (!options.install) return runAgent({ ...options, invite: null, labels: {} }, cli)
			announceService(cli, installService(cli.home, process.argv.slice(2), 'Lattice agent'))
		})
}

interface Run extends AgentOptions {
	name?: string
	invite: string | null
	labels: Record<string, string>
}

export async function runAgent(run: Run, { home, terminal }: Cli): Promise<void> {
	const lock = lockHome(home, 'agent')
	try {
		const engine = await ensureEngine(run, terminal)
		const ports = new Ports(home)
		const agentPort = await ports.pick('agent', run.agentHost, run.agentPort, '--agent-port')
		const meshListen = run.meshListen ?? [
			`/ip4/0.0.0.0/tcp/${await ports.pick('mesh', '0.0.0.0', undefined, 'mesh port')}`,
		]
		const dataPort = await ports.pick('data', '0.0.0.0', run.dataPort, '--data-port')
		const enrolling = run.invite !== null
		const enabled = run.gateway ?? (enrolling ? false : undefined)
		const gateway = await gatewaySettings(run, enabled, run.agentHost, ports)
		const supervisor = new Supervisor({ home, terminal })
		const spec = agentChild({
			home,
			name: run.name,
			host: run.agentHost,
			port: agentPort,
			meshListen,
			announce: announced(run.announce ?? [], portOf(meshListen)),
			dataPort,
			dockerHost: engine,
			labels: run.labels,
			gateway,
			invite: () => (isEnrolled(home) ? null : run.invite),
		})
		await supervisor.run(() =>
			supervisor.start(spec, (message) => {
				const { url, peerId } = AgentReady.parse(message)
				rememberUrl(home, 'agent', url)
				terminal.out(`agent ready ${url} peer ${peerId}`)
			}),
		)
	} finally {
		lock.release()
	}
}
