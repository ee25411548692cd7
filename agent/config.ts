import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { Labels, LatticeError, NodeName } from './protocol/index.ts'

const list = z
	.string()
	.default('')
	.transform((text) =>
		text
			.split(',')
			.map((part) => part.trim())
			.filter(Boolean),
	)

/** Below Linux' ephemeral ports (32768…), above those that hosts publish at (20000 to 29999). */
export const GATEWAY_PORTS = { from: 30_000, to: 32_767 } as const

export const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory'

const PortRange = z
	.string()
	.regex(/^\d{1,5}-\d{1,5}$/, 'is not a range of ports; write 30000-32767')
	.transform((text) => {
		const [from = 0, to = 0] = text.split('-').map(Number)
		return { from, to }
	})
	.refine(({ from, to }) => from >= 1 && to <= 65_535 && from <= to, { error: 'is not a range within 1 to 65535' })

const Environment = z.object({
	LATTICE_HOME: z.string().default(join(homedir(), '.lattice')),
	LATTICE_NAME: NodeName.default(nodeNameOf(hostname())),
	LATTICE_AGENT_HOST: z.string().default('127.0.0.1'),
	LATTICE_AGENT_PORT: z.coerce.number().int().min(0).max(65_535).default(4001),
	LATTICE_MESH_LISTEN: list,
	LATTICE_ANNOUNCE: list,
	LATTICE_DATA_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
	LATTICE_DOCKER_HOST: z.string().default(process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock'),
	LATTICE_INVITE: z.string().optional(),
	LATTICE_LABELS: z
		.string()
		.default('{}')
		.transform((text, context) => {
			try {
				return JSON.parse(text) as unknown
			} catch {
				context.addIssue({ code: 'custom', message: 'is not JSON' })
				return z.NEVER
			}
		})
		.pipe(Labels),
	LATTICE_GATEWAY: z.enum(['0', '1']).optional(),
	LATTICE_GATEWAY_HTTP: z.coerce.number().int().min(0).max(65_535).default(0),
	LATTICE_GATEWAY_PORTS: PortRange.default(GATEWAY_PORTS),
	LATTICE_GATEWAY_HTTPS: z.coerce.number().int().min(0).max(65_535).default(0),
	LATTICE_GATEWAY_TLS_CERT: z.string().optional(),
	LATTICE_GATEWAY_TLS_KEY: z.string().optional(),
	LATTICE_GATEWAY_ACME_EMAIL: z.email().optional(),
	LATTICE_GATEWAY_ACME_AGREE_TOS: z.enum(['0', '1']).default('0'),
	LATTICE_GATEWAY_ACME_DIRECTORY: z.url({ protocol: /^https$/, error: 'is not an https URL' }).default(LETS_ENCRYPT),
	LATTICE_GATEWAY_ACME_ROOT: z.string().optional(),
	LATTICE_GATEWAY_DOMAIN: z.hostname().toLowerCase().optional(),
	LATTICE_NGROK_SERVER_ADDR: z.string().optional(),
	LATTICE_NGROK_ROOT_CAS: z.string().optional(),
	LATTICE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
})

export interface AgentConfig {
	home: string
	name: string
	host: string
	port: number
	meshListen: string[]
	announce: string[]
	/** of the data plane, where the mesh listens; 0: any that is free */
	dataPort: number
	dockerHost: string
	invite: string | null
	labels: Labels
	/** undefined: as its certificate says */
	gateway: boolean | undefined
	/** how it serves when it is a gateway; `httpPort` 0 is any free one, `domain` null the sslip.io name of its address */
	gatewayServing: {
		httpPort: number
		ports: { from: number; to: number }
		domain: string | null
		/** null: plain only */
		tls: {
			httpsPort: number
			files: { cert: string; key: string } | null
			acme: { email: string; directory: string; rootFile: string | null } | null
		} | null
	}
	/** an ngrok of one's own, and what proves it: a PEM file or `host`; null: ngrok's */
	ngrok: { serverAddr: string | null; rootCas: string | null }
	logLevel: string
}

/** Read once, at the start. A wrong value is named in the error. */
export function agentConfig(env: NodeJS.ProcessEnv): AgentConfig {
	const parsed = Environment.safeParse(env)
	if (!parsed.success) {
		const wrong = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
		throw new LatticeError('INVALID_INPUT', `The agent's environment is wrong: ${wrong}`)
	}
	const value = parsed.data
	return {
		home: value.LATTICE_HOME,
		name: value.LATTICE_NAME,
		host: value.LATTICE_AGENT_HOST,
		port: value.LATTICE_AGENT_PORT,
		meshListen: value.LATTICE_MESH_LISTEN.length > 0 ? value.LATTICE_MESH_LISTEN : ['/ip4/0.0.0.0/tcp/4100'],
		announce: value.LATTICE_ANNOUNCE,
		dataPort: value.LATTICE_DATA_PORT,
		dockerHost: value.LATTICE_DOCKER_HOST,
		invite: value.LATTICE_INVITE ?? null,
		labels: value.LATTICE_LABELS,
		gateway: value.LATTICE_GATEWAY === undefined ? undefined : value.LATTICE_GATEWAY === '1',
		gatewayServing: {
			httpPort: value.LATTICE_GATEWAY_HTTP,
			ports: value.LATTICE_GATEWAY_PORTS,
			domain: value.LATTICE_GATEWAY_DOMAIN ?? null,
			tls: tlsOf(value),
		},
		ngrok: {
			serverAddr: value.LATTICE_NGROK_SERVER_ADDR ?? null,
			rootCas: value.LATTICE_NGROK_ROOT_CAS ?? null,
		},
		logLevel: value.LATTICE_LOG_LEVEL,
	}
}

type Values = z.infer<typeof Environment>

function tlsOf(value: Values): AgentConfig['gatewayServing']['tls'] {
	const { LATTICE_GATEWAY_TLS_CERT: cert, LATTICE_GATEWAY_TLS_KEY: key, LATTICE_GATEWAY_HTTPS: httpsPort } = value
	const acme = acmeOf(value)
	if ((cert === undefined) !== (key === undefined))
		throw new LatticeError('INVALID_INPUT', 'Give both --gateway-tls-cert and --gateway-tls-key.')
	const files = cert !== undefined && key !== undefined ? { cert, key } : null
	return files || acme ? { httpsPort, files, acme } : null
}

function acmeOf(value: Values): NonNullable<AgentConfig['gatewayServing']['tls']>['acme'] {
	const { LATTICE_GATEWAY_ACME_EMAIL: email, LATTICE_GATEWAY_ACME_DIRECTORY: directory } = value
	if (email === undefined) return null
	if (value.LATTICE_GATEWAY_ACME_AGREE_TOS !== '1')
		throw new LatticeError(
			'INVALID_INPUT',
			`Agree to the terms of service of ${directory} by --gateway-acme-agree-tos.`,
		)
	return { email, directory, rootFile: value.LATTICE_GATEWAY_ACME_ROOT ?? null }
}

/** A host name as a node name: lower case, dashes for what is not allowed, 40 characters at most. */
export function nodeNameOf(host: string): string {
	const name = host
		.toLowerCase()
		.replace(/[^a-z0-9-]+/g, '-')
		.slice(0, 40)
		.replace(/^-+|-+$/g, '')
	return name || 'node'
}
