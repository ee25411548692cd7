import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { GatewaySettings } from '../gateway-options.ts'
import type { Home } from '../home.ts'
import type { Cluster } from '../postgres/cluster.ts'
import { clearOldPostmaster, postmasterArguments, postmasterIsReady } from '../postgres/postmaster.ts'
import type { ChildSpec } from './child.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const CONSOLE = fileURLToPath(new URL('../../../app/server.ts', import.meta.url))
const AGENT = fileURLToPath(new URL('../../main.ts', import.meta.url))

/** What one process must know does not leak into another: the agent never sees the database or the CLI's tokens. */
const PRIVATE = [
	'DATABASE_URL',
	'LATTICE_MASTER_KEY_FILE',
	'LATTICE_TOKEN',
	'LATTICE_PASSWORD',
	'LATTICE_INVITE',
] as const

type Environment = Record<string, string | undefined>

function childEnvironment(settings: Environment): Environment {
	const inherited: Environment = { ...process.env, NODE_ENV: process.env.NODE_ENV ?? 'production' }
	for (const name of PRIVATE) delete inherited[name]
	for (const [name, value] of Object.entries(settings)) if (value !== undefined) inherited[name] = value
	return inherited
}

/** Ctrl-C gives a child this long to end in order; then it is killed. */
const NODE_GRACE_MS = 5_000

const nodeChild = {
	ready: { kind: 'ipc' },
	format: 'pino',
	stop: [['SIGTERM', NODE_GRACE_MS]],
	guard: { first: 'TERM', last: 'KILL' },
} satisfies Partial<ChildSpec>

/** What node children send when they serve (INTERFACES, process protocol). */
export const ConsoleReady = z.object({ url: z.string(), invite: z.string().optional() })
export const AgentReady = z.object({ url: z.string(), peerId: z.string() })

export function postgresChild(cluster: Cluster, port: number): ChildSpec {
	return {
		name: 'postgres',
		launch: async () => {
			await clearOldPostmaster(cluster.dataDirectory)
			return {
				file: cluster.binaries.postgres,
				args: postmasterArguments(cluster, port),
				env: { PATH: process.env.PATH, LC_ALL: 'C' },
				cwd: cluster.dataDirectory,
				...cluster.account,
			}
		},
		ready: { kind: 'poll', isReady: (pid) => postmasterIsReady(cluster.dataDirectory, pid) },
		format: 'postgres',
		// fast shutdown, then immediate: both keep what was committed
		stop: [
			['SIGINT', 5_000],
			['SIGQUIT', 2_000],
		],
		guard: { first: 'INT', last: 'QUIT' },
	}
}

export interface ConsoleSettings {
	home: Home
	databaseUrl: string
	host: string
	port: number
	/** multiaddrs; the console is a peer of its own, that nodes elsewhere dial */
	meshListen: string[]
	announce: string[]
	/** asked at each start; `1` makes an invite for the agent beside it, `first` only for a lattice without nodes */
	localInvite: () => '1' | 'first' | undefined
}

export function consoleChild(settings: ConsoleSettings): ChildSpec {
	return {
		name: 'console',
		...nodeChild,
		launch: async () => ({
			file: process.execPath,
			args: [CONSOLE],
			cwd: ROOT,
			env: childEnvironment({
				LATTICE_HOME: settings.home.path,
				DATABASE_URL: settings.databaseUrl,
				LATTICE_HOST: settings.host,
				LATTICE_PORT: String(settings.port),
				LATTICE_MASTER_KEY_FILE: process.env.LATTICE_MASTER_KEY_FILE,
				LATTICE_CONSOLE_MESH_LISTEN: settings.meshListen.join(','),
				LATTICE_ANNOUNCE: settings.announce.join(',') || undefined,
				LATTICE_LOCAL_INVITE: settings.localInvite(),
			}),
		}),
	}
}

export interface AgentSettings {
	home: Home
	/** undefined: the agent takes the host name */
	name: string | undefined
	host: string
	port: number
	meshListen: string[]
	announce: string[]
	dataPort: number
	dockerHost: string
	labels: Record<string, string>
	gateway: GatewaySettings
	/** null once enrolled */
	invite: () => string | null
}

/** A quiet agent is small: V8 would otherwise let the young generation grow to 16 MiB before it collects. */
const AGENT_FLAGS = ['--max-semi-space-size=2']

export function agentChild(settings: AgentSettings): ChildSpec {
	return {
		name: 'agent',
		...nodeChild,
		launch: async () => ({
			file: process.execPath,
			args: [...AGENT_FLAGS, AGENT],
			cwd: ROOT,
			env: childEnvironment({
				LATTICE_HOME: settings.home.path,
				LATTICE_NAME: settings.name,
				LATTICE_AGENT_HOST: settings.host,
				LATTICE_AGENT_PORT: String(settings.port),
				LATTICE_MESH_LISTEN: settings.meshListen.join(','),
				LATTICE_ANNOUNCE: settings.announce.join(',') || undefined,
				LATTICE_DATA_PORT: String(settings.dataPort),
				LATTICE_DOCKER_HOST: settings.dockerHost,
				LATTICE_LABELS: JSON.stringify(settings.labels),
				LATTICE_GATEWAY: settings.gateway.enabled === undefined ? undefined : settings.gateway.enabled ? '1' : '0',
				LATTICE_GATEWAY_HTTP: String(settings.gateway.httpPort),
				LATTICE_GATEWAY_PORTS: settings.gateway.ports,
				LATTICE_GATEWAY_DOMAIN: settings.gateway.domain,
				LATTICE_GATEWAY_TLS_CERT: settings.gateway.tls?.cert,
				LATTICE_GATEWAY_TLS_KEY: settings.gateway.tls?.key,
				LATTICE_GATEWAY_ACME_EMAIL: settings.gateway.tls?.acme?.email,
				LATTICE_GATEWAY_ACME_AGREE_TOS: settings.gateway.tls?.acme && '1',
				LATTICE_GATEWAY_ACME_DIRECTORY: settings.gateway.tls?.acme?.directory,
				LATTICE_GATEWAY_ACME_ROOT: settings.gateway.tls?.acme?.root,
				LATTICE_GATEWAY_HTTPS: settings.gateway.tls && String(settings.gateway.tls.httpsPort),
				LATTICE_INVITE: settings.invite() ?? undefined,
			}),
		}),
	}
}
