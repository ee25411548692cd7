import { lanAddress } from '../../endpoints/bindings.ts'
import { NodeName, parseInput } from '../../protocol/index.ts'
import type { Cli, Register } from '../cli.ts'
import { ensureEngine } from '../engine.ts'
import { type GatewayOptions, gatewayOptions, gatewaySettings } from '../gateway-options.ts'
import { isEnrolled, lockHome } from '../home.ts'
import { announced, atPort, portOf } from '../mesh-addresses.ts'
import { dockerHost, ipAddress, multiaddr, port, repeated } from '../options.ts'
import { Ports } from '../ports.ts'
import { openCluster } from '../postgres/cluster.ts'
import { fromElsewhere, rememberUrl } from '../served-urls.ts'
import { announceService, installService } from '../service/install.ts'
import { AgentReady, agentChild, ConsoleReady, consoleChild, postgresChild } from '../supervisor/children.ts'
import { Supervisor } from '../supervisor/supervisor.ts'

interface UpOptions extends GatewayOptions {
	yes: boolean
	host: string
	port?: number
	agentPort?: number
	meshPort?: number
	meshListen?: string[]
	announce?: string[]
	dataPort?: number
	dockerHost?: string
	name?: string
	gateway: boolean
	install: boolean
}

export const registerUp: Register = (program, open) => {
	gatewayOptions(
		program.command('up').description('run database, console and agent on this machine, in the foreground'),
	)
		.option('--yes', 'answer every install question with yes', false)
		.option('--host <addr>', 'where console and agent REST listen', ipAddress, '127.0.0.1')
		.option('--port <n>', 'console (default: 3000 or the next free one)', port)
		.option('--agent-port <n>', 'agent REST (default: 4001 or the next free one)', port)
		.option('--mesh-port <n>', 'mesh (default: 4100 or the next free one)', port)
		.option('--mesh-listen <multiaddr>', 'instead of every address at --mesh-port; repeatable', multiaddr)
		.option('--announce <addr>', 'an address that other machines reach this one at; repeatable', repeated)
		.option(
			'--data-port <n>',
			'connections to workloads, where the mesh listens (default: 4200 or the next free one)',
			port,
		)
		.option('--docker-host <url>', 'an engine that is there; nothing is installed or started', dockerHost)
		.option('--name <name>', 'name of this node (default: the host name)')
		.option('--no-gateway', 'do not front workloads of other nodes')
		.option('--install', 'as a service of systemd that starts with this machine', false)
		.action((options: UpOptions, command) => {
			const cli = open(command)
			if (!options.install) return up(options, cli)
			announceService(cli, installService(cli.home, process.argv.slice(2), 'Lattice Console'))
		})
}

async function up(options: UpOptions, { home, terminal }: Cli): Promise<void> {
	const name = options.name === undefined ? undefined : parseInput(NodeName, options.name, ['--name'])
	const lock = lockHome(home, 'up')
	const engine = await ensureEngine(options, terminal)
	const ports = new Ports(home)
	const consolePort = await ports.pick('console', options.host, options.port, '--port')
	const agentPort = await ports.pick('agent', options.host, options.agentPort, '--agent-port')
	const meshListen = options.meshListen ?? [
		`/ip4/0.0.0.0/tcp/${await ports.pick('mesh', '0.0.0.0', options.meshPort, '--mesh-port')}`,
	]
	const dataPort = await ports.pick('data', '0.0.0.0', options.dataPort, '--data-port')
	const consoleMesh = await ports.pick('consoleMesh', '0.0.0.0', undefined, "the console's mesh port")
	const gateway = await gatewaySettings(options, options.gateway, options.host, ports)
	const given = options.announce ?? []
	const announce = announced(given, portOf(meshListen))
	const supervisor = new Supervisor({ home, terminal })
	let invite: string | null = null

	async function database(): Promise<string> {
		const own = process.env.DATABASE_URL
		if (own) return own
		const cluster = openCluster(home)
		const databasePort = await ports.pick('database', '127.0.0.1', undefined, 'database port')
		await supervisor.start(postgresChild(cluster, databasePort))
		return cluster.urlAt(databasePort)
	}

	const startAgent = () =>
		supervisor.start(
			agentChild({
				home,
				name,
				host: options.host,
				port: agentPort,
				meshListen,
				announce,
				dataPort,
				dockerHost: engine,
				labels: {},
				gateway,
				invite: () => (isEnrolled(home) ? null : invite),
			}),
			(message) => {
				const { url, peerId } = AgentReady.parse(message)
				rememberUrl(home, 'agent', url)
				terminal.out(`agent ready ${url} peer ${peerId}`)
			},
		)

	try {
		await supervisor.run(async () => {
			const enrolled = isEnrolled(home)
			const databaseUrl = await database()
			// An enrolled agent needs nothing of the console: both load at once. A new one needs its invite first.
			const agent = enrolled ? startAgent() : null
			await supervisor.start(
				consoleChild({
					home,
					databaseUrl,
					host: options.host,
					port: consolePort,
					meshListen: atPort(meshListen, consoleMesh),
					announce: atPort(announced(given, consoleMesh), consoleMesh),
					localInvite: () => (isEnrolled(home) ? undefined : '1'),
				}),
				(message) => {
					const ready = ConsoleReady.parse(message)
					if (ready.invite) invite = ready.invite
					rememberUrl(home, 'console', ready.url)
					terminal.out(`console ready ${ready.url}`)
					const elsewhere = fromElsewhere(ready.url, lanAddress())
					if (elsewhere) terminal.notice(`from other machines: ${elsewhere}`)
				},
			)
			await (agent ?? startAgent())
		})
	} finally {
		lock.release()
	}
}
